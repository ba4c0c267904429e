/** Words of others in one line: what ends or turns it, or cannot be seen, becomes a space. At most `most` characters. */
export function oneLine(text: string, most: number): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Z}]+/gu, " ")
    .trim()
    .slice(0, most)
    .toWellFormed();
}
