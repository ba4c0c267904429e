/**
 * A command line that runs `command` with the resolver at `address` (port 53) in place of the host's, in a mount
 * namespace of its own. The process id stays that of `command`.
 */
export function withResolver(
  address: string | undefined,
  command: string,
  args: string[],
): [command: string, args: string[]] {
  if (address === undefined) return [command, args];
  const script = `file=$(mktemp) && echo "nameserver $0" >"$file" && mount --bind "$file" /etc/resolv.conf &&
    rm "$file" && exec "$@"`;
  return ["unshare", ["--mount", "--propagation", "private", "sh", "-c", script, address, command, ...args]];
}
