/** How numbers are written: what stands before the decimals, and between groups of digits before it. */
export interface NumberSigns {
  readonly decimal: string;
  group(whole: string): string;
}

/** As they are sent and computed: a point, and no groups. */
export const plainSigns: NumberSigns = { decimal: ".", group: (whole) => whole };

/** The ways to write numbers: plain, as the system does, or as one language does. */
export const numberChoices = ["plain", "system", "en", "de", "fr", "hi"] as const;
export type NumberChoice = (typeof numberChoices)[number];

const sample = 1_234_567.5;

/** The signs of a way to write numbers, with European digits whatever the language. */
export function signsOf(choice: NumberChoice): NumberSigns {
  if (choice === "plain") return plainSigns;
  const options: Intl.NumberFormatOptions = { numberingSystem: "latn" };
  const format = new Intl.NumberFormat(choice === "system" ? undefined : choice, options);
  const decimal = format.formatToParts(sample).find(({ type }) => type === "decimal")?.value ?? ".";
  return { decimal, group: (whole) => format.format(BigInt(whole)) };
}

/** How a way to write numbers looks: `1,234,567.5`. */
export const sampleOf = (choice: NumberChoice): string => written(String(sample), signsOf(choice));

/** The sign of what is below zero: a real minus, as wide as the plus. */
export const minus = "\u2212";

/** A plain decimal text as it is read: a real minus, and the signs; what stands behind it (k, %) stays. */
export function written(text: string, signs = plainSigns): string {
  const signed = text.replace(/^-/, minus);
  if (signs === plainSigns) return signed;
  const found = /^([^\d]*)(\d+)(?:\.(\d+))?(.*)$/.exec(signed);
  if (found === null) return signed;
  const [, before = "", whole = "", decimals, behind = ""] = found;
  return `${before}${signs.group(whole)}${decimals === undefined ? "" : `${signs.decimal}${decimals}`}${behind}`;
}

/**
 * A number as somebody types it, NaN for what is none: a point or a comma, whichever stands last, is for decimals where it
 * is the usual sign or no group of three digits stands behind it.
 */
export function typedNumber(text: string, { decimal } = plainSigns): number {
  const plain = text.replace(/\s/g, "");
  const [, whole = plain, sign = "", rest = ""] = /^(.*)([.,])(\d*)$/.exec(plain) ?? [];
  const isDecimal = sign !== "" && !whole.includes(sign) && (sign === decimal || rest.length !== 3);
  const digits = `${whole.replace(/[.,]/g, "")}${isDecimal ? "." : ""}${rest}`;
  return digits === "" ? Number.NaN : Number(digits);
}
