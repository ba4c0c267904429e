/** The mark: several thin lines that run together into one strong one. `colour` is any SVG paint. */
export function markSvg(colour: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 32" fill="none" stroke="${colour}" stroke-linecap="round"><path stroke-width="2" d="M2 4h7c9 0 9 12 18 12M2 12h6c9 0 10 4 19 4M2 20h6c9 0 10-4 19-4M2 28h7c9 0 9-12 18-12"/><path stroke-width="6" d="M28 16h16"/></svg>`;
}
