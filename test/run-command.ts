import { vi } from "vitest";

/** Runs a command of the program here; what it says on standard output, and its exit code. */
export async function runCommand(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = "";
  const spy = vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    const code = await command();
    return { code, text };
  } finally {
    spy.mockRestore();
  }
}
