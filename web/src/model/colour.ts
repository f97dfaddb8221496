/** Colours as three bytes; everything here is arithmetic, nothing knows a canvas. */
export type Rgb = readonly [number, number, number];

/** @throws RangeError the text is not `#rrggbb` */
export function parseHex(text: string): Rgb {
  const match = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (match === null) throw new RangeError(`"${text}" is no colour such as #1fb89a`);
  return [
    Number.parseInt(match[1] ?? "", 16),
    Number.parseInt(match[2] ?? "", 16),
    Number.parseInt(match[3] ?? "", 16),
  ];
}

export function hex(colour: Rgb): string {
  return `#${colour.map((part) => Math.round(part).toString(16).padStart(2, "0")).join("")}`;
}

/** `share` of `over` laid on `base`. */
export function mix(base: Rgb, over: Rgb, share: number): Rgb {
  const part = (k: 0 | 1 | 2): number => base[k] + (over[k] - base[k]) * share;
  return [part(0), part(1), part(2)];
}

/** Relative luminance (WCAG 2). */
export function luminance(colour: Rgb): number {
  const linear = (byte: number): number => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

/** Contrast ratio (WCAG 2), 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** The first of the candidates that can be read on the ground; black or white where none can. */
export function readable(ground: Rgb, candidates: readonly Rgb[], least = 4.5): Rgb {
  for (const candidate of candidates) if (contrast(ground, candidate) >= least) return candidate;
  const [white, black]: [Rgb, Rgb] = [
    [255, 255, 255],
    [0, 0, 0],
  ];
  return contrast(ground, white) >= contrast(ground, black) ? white : black;
}
