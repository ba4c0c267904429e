import { callsOf, isLocal, keyOf, walk, type Assign, type Call, type Name, type SourceFile } from "./ast.ts";
import { diagnosticAt, type Diagnostic, type Span } from "./diagnostics.ts";
import type { CheckedCall } from "./program.ts";

/** Every assignment by `keyOf` its name, and the names that stand twice. */
export function indexNames(files: SourceFile[]): {
  definitions: Map<string, Assign>;
  problems: Diagnostic[];
} {
  const definitions = new Map<string, Assign>();
  const reported = new Set<string>();
  const problems: Diagnostic[] = [];
  for (const { statements } of files) {
    for (const statement of statements) {
      if (statement.kind !== "assign") continue;
      const key = keyOf(statement.target);
      const first = definitions.get(key);
      if (first === undefined) definitions.set(key, statement);
      else if (!reported.has(key)) {
        reported.add(key);
        const { span, id } = first.target;
        const again = `it is defined again at ${statement.span.file}:${statement.span.line}`;
        problems.push(diagnosticAt(span, "duplicate-name", `\`${id}\` is defined more than once`, again));
      }
    }
  }
  return { definitions, problems };
}

/** Locals that nothing in their file reads. */
export function unusedLocals(file: SourceFile): Diagnostic[] {
  const locals = new Map<string, { name: Name; read: boolean }>();
  for (const statement of file.statements) {
    if (statement.kind === "assign" && isLocal(statement.target.id) && !locals.has(statement.target.id)) {
      locals.set(statement.target.id, { name: statement.target, read: false });
    }
    for (const expr of walk(statement.kind === "assign" ? statement.value : statement)) {
      const id = expr.kind === "name" ? expr.id : expr.kind === "call" ? expr.function : undefined;
      const local = id === undefined ? undefined : locals.get(id);
      if (local !== undefined) local.read = true;
    }
  }
  return [...locals.values()]
    .filter(({ read }) => !read)
    .map(({ name }) => diagnosticAt(name.span, "unused-local", `nothing reads \`${name.id}\``, "remove it"));
}

/** Names used before they are defined, in this file or in one that it imports itself. */
export function undefinedNames(
  file: SourceFile,
  definitions: ReadonlyMap<string, Assign>,
  calls: ReadonlyMap<Call, CheckedCall>,
): Diagnostic[] {
  const problems: Diagnostic[] = [];
  const known = new Set<string>();
  const imported = new Set<string>();
  const isKnown = (name: Name) =>
    known.has(name.id) || (!isLocal(name.id) && imported.has(definitions.get(name.id)?.span.file ?? ""));
  for (const statement of file.statements) {
    if (statement.kind === "assign") {
      problems.push(...selfReferences(statement));
      known.add(statement.target.id);
    }
    for (const expr of walk(statement.kind === "assign" ? statement.value : statement)) {
      if (expr.kind === "call") for (const { path } of calls.get(expr)?.imports ?? []) imported.add(path);
      if (expr.kind === "name" && !isKnown(expr)) problems.push(unknown(expr, definitions));
    }
  }
  return problems;
}

/** A function of the same name counts too. */
function selfReferences({ target, value }: Assign): Diagnostic[] {
  return [...walk(value)].flatMap((expr) => {
    const id = expr.kind === "name" ? expr.id : expr.kind === "call" ? expr.function : undefined;
    if (id !== target.id) return [];
    const hint = "give the result another name";
    return [diagnosticAt(expr.span, "self-reference", `\`${target.id}\` is defined by itself`, hint)];
  });
}

function unknown(name: Name, definitions: ReadonlyMap<string, Assign>): Diagnostic {
  const elsewhere = definitions.get(keyOf(name));
  const hint = isLocal(name.id)
    ? 'a name that begins with "_" can be read in its own file only, below its definition'
    : elsewhere === undefined
      ? "no file defines it"
      : elsewhere.span.file === name.span.file
        ? `it is defined below, in line ${elsewhere.span.line}`
        : `import it: \`Import(rules=["${elsewhere.span.file}"])\``;
  return diagnosticAt(name.span, "unknown-name", `\`${name.id}\` is not known here`, hint);
}

/** The first circle of imports. */
export function importCycle(
  files: SourceFile[],
  calls: ReadonlyMap<Call, CheckedCall>,
): Diagnostic | undefined {
  const edges = new Map<string, Map<string, Span>>();
  for (const file of files) {
    for (const { call } of callsOf(file)) {
      for (const { path, span } of calls.get(call)?.imports ?? []) {
        if (!edges.has(path)) edges.set(path, new Map());
        if (!edges.has(file.path)) edges.set(file.path, new Map());
        edges.get(file.path)!.set(path, span);
      }
    }
  }
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (node: string): string[] | undefined => {
    if (path.includes(node)) return path.slice(path.indexOf(node));
    if (done.has(node)) return undefined;
    done.add(node);
    path.push(node);
    for (const next of edges.get(node)?.keys() ?? []) {
      const cycle = visit(next);
      if (cycle !== undefined) return cycle;
    }
    path.pop();
    return undefined;
  };
  for (const node of edges.keys()) {
    const cycle = visit(node);
    if (cycle === undefined) continue;
    const span = edges.get(cycle[0]!)!.get(cycle[1] ?? cycle[0]!)!;
    return diagnosticAt(
      span,
      "import-cycle",
      `files import each other: ${[...cycle, cycle[0]].join(" -> ")}`,
      "move what both need to a third file, and import that in both",
    );
  }
  return undefined;
}
