/**
 * The tags of a record of the form `v=X; a=b; c=d`, names in lower case, in their order. Returns a sentence when it
 * has another form or a tag twice.
 */
export function parseTags(text: string, maxLength = 4096): Map<string, string> | string {
  if (text.length > maxLength) return "the record is too long";
  const tags = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part.trim() === "") continue;
    const at = part.indexOf("=");
    if (at < 1) return `"${part.trim().slice(0, 40)}" is not tag=value`;
    const name = part.slice(0, at).trim().toLowerCase();
    if (tags.has(name)) return `tag ${name} appears twice`;
    tags.set(name, part.slice(at + 1).trim());
  }
  return tags;
}
