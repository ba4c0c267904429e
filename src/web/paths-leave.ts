import { memberPath } from "./paths.ts";

/** What a member takes along. */
export function exportPath(did: string): string {
  return `${memberPath(did)}/export`;
}

export function archivePath(did: string): string {
  return `${exportPath(did)}/archive`;
}

export function proofPath(did: string): string {
  return `${exportPath(did)}/proof`;
}

/** Leaving, and what happens to what. */
export function leavePath(did: string): string {
  return `${memberPath(did)}/leave`;
}

/** The last step, whose form ends the membership. */
export function leaveConfirmPath(did: string): string {
  return `${leavePath(did)}/confirm`;
}

/** Deletion of what is kept of who has left. */
export function deletionPath(did: string): string {
  return `${leavePath(did)}/deletion`;
}

/** For whom a member speaks. */
export function vouchesPath(did: string): string {
  return `${memberPath(did)}/vouches`;
}

export function withdrawPath(did: string, id: number): string {
  return `${vouchesPath(did)}/${id}/withdraw`;
}
