/** What the person at the command line has to do otherwise. */
export class SalvageError extends Error {}
