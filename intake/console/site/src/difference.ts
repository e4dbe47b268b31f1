// Which characters of two texts differ: the longest common subsequence, by characters as people
// count them (a kanji with its glyph selector is one).

export interface Piece {
  text: string;
  same: boolean;
}

const MOST = 220; // characters: a name has 100, an address 200

function characters(text: string): string[] {
  return [...text.matchAll(/.[\u{FE00}-\u{FE0F}\u{E0100}-\u{E01EF}]*/gsu)].map((m) => m[0]);
}

function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i][j] =
        a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
  return table;
}

function push(pieces: Piece[], text: string, same: boolean) {
  const last = pieces[pieces.length - 1];
  if (last && last.same === same) last.text += text;
  else pieces.push({ text, same });
}

/** The pieces of `shown`, told apart by whether `other` has them. */
export function difference(shown: string, other: string): Piece[] {
  const a = characters(shown);
  const b = characters(other);
  if (!other || a.length > MOST || b.length > MOST) return [{ text: shown, same: true }];
  const table = lengths(a, b);
  const pieces: Piece[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length) {
    if (j < b.length && a[i] === b[j]) {
      push(pieces, a[i++], true);
      j++;
    } else if (j < b.length && table[i][j + 1] >= table[i + 1][j]) j++;
    else push(pieces, a[i++], false);
  }
  return pieces;
}

/** The certificate could not write these: one "1" for each character. */
export function substituted(text: string, flags: string | undefined): Piece[] {
  const pieces: Piece[] = [];
  [...text].forEach((c, i) => push(pieces, c, flags?.[i] !== "1"));
  return pieces;
}
