import type { Page } from "playwright-core";

/** What a person does at a PDS that a client has sent it to: gives the password, reads, decides. Ends at the client. */
export async function consentAtPds(
  page: Page,
  { password, decision = "Authorize" }: { password: string; decision?: "Authorize" | "Deny access" },
): Promise<void> {
  await page.getByPlaceholder("Enter your password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await decide(page, decision);
}

/** The same at the sandbox's repository host, which asks for no password. */
export async function consentAtSandbox(
  page: Page,
  { handle, decision = "Allow" }: { handle: string; decision?: "Allow" | "Deny" },
): Promise<void> {
  await page.getByRole("radio", { name: handle }).check();
  await decide(page, decision);
}

async function decide(page: Page, button: string): Promise<void> {
  const { origin } = new URL(page.url());
  await page.getByRole("button", { name: button }).click();
  await page.waitForURL((url) => url.origin !== origin);
}
