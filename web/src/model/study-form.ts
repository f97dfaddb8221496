import type { JsonSchema, StudyParams } from "../protocol/messages";

/** One field of the form of a study's settings, as the schema of its Python parameters describes it. */
export interface FormField {
  readonly name: string;
  readonly label: string;
  /** What the schema says of it: unit, meaning. */
  readonly hint: string;
  readonly kind: "choice" | "flag" | "number" | "whole" | "text" | "list" | "time" | "unknown";
  readonly choices: readonly string[];
  readonly default: unknown;
  /** An empty field means "none". */
  readonly mayBeEmpty: boolean;
  /** Of numbers, and of each number of a list. */
  readonly least: number | null;
  readonly most: number | null;
  /** The least itself is not allowed. */
  readonly above: boolean;
  /** Of a list: how many. */
  readonly count: number;
  /** Of a text: it names a symbol, or several apart by commas. */
  readonly names: "symbol" | "symbols" | null;
  /** It counts only while these other fields have these values. */
  readonly when: Readonly<Record<string, string>>;
}

/** Parameters whose short names many studies share, in words. */
const known: Readonly<Record<string, string>> = {
  pct: "Value area",
  tie: "POC at a tie",
  stack_n: "Stack from (rows)",
  n: "Number",
  k: "Number",
};
/** Parts of names that programs shorten. */
const parts: Readonly<Record<string, string>> = {
  min: "least",
  max: "most",
  vol: "volume",
  diff: "difference",
  sep: "distance",
  eps: "tolerance",
  ib: "initial balance",
};
/** Units at the end of names; times are read and written in UTC. */
const units: Readonly<Record<string, string>> = { ns: "UTC", s: "s", lot: "lots", tick: "ticks" };
const choices: Readonly<Record<string, string>> = { ge: "≥", gt: ">" };

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;

/** A choice as it stands in a form: `two_row` as `Two row`. */
export const choiceWords = (value: string): string => choices[value] ?? sentence(value.replaceAll("_", " "));

function words(name: string, values: readonly unknown[]): string {
  if (name === "method" && values.includes("two_row")) return "Value area grows by";
  const [last, ...before] = name.split("_").reverse() as [string, ...string[]];
  const unit = before.length === 0 ? undefined : units[last];
  const spoken = (unit === undefined ? [last, ...before] : before).reverse().map((part) => parts[part] ?? part);
  return known[name] ?? `${sentence(spoken.join(" "))}${unit === undefined ? "" : ` (${unit})`}`;
}

/** The fields of a form, in the order of the parameters; what symbols it reads, and what decides of others, comes first. */
export function fieldsOf(schema: JsonSchema): FormField[] {
  const fields = Object.entries(schema.properties ?? {}).map(([name, property]) => fieldOf(schema, name, property));
  const deciding = new Set(fields.flatMap(({ when }) => Object.keys(when)));
  const rank = ({ name, names, when }: FormField): number =>
    names !== null ? 0 : deciding.has(name) || Object.keys(when).length > 0 ? 1 : 2;
  return fields.toSorted((a, b) => rank(a) - rank(b));
}

function fieldOf(root: JsonSchema, name: string, property: JsonSchema): FormField {
  const options = (property.anyOf ?? []).map((one) => resolved(root, one));
  const own = options.find(({ type }) => type !== "null") ?? resolved(root, property);
  const item = own.type === "array" ? resolved(root, own.prefixItems?.[0] ?? {}) : own;
  return {
    name,
    label: words(name, own.enum ?? []),
    hint: hintOf(name, own.description ?? property.description ?? ""),
    kind: kindOf(name, own),
    choices: (own.enum ?? []).map(String),
    default: property.default ?? null,
    mayBeEmpty: options.some(({ type }) => type === "null"),
    least: item.minimum ?? item.exclusiveMinimum ?? null,
    most: item.maximum ?? item.exclusiveMaximum ?? null,
    above: item.exclusiveMinimum !== undefined,
    count: own.prefixItems?.length ?? 0,
    names: own.format === "symbol" || own.format === "symbols" ? own.format : null,
    when: own.when ?? {},
  };
}

// The unit stands in the label already.
const hintOf = (name: string, text: string): string => (name.endsWith("_s") ? text.replace(/^s(?:; |$)/, "") : text);

/** Whether a study says nothing before something is chosen in its form: which symbols it reads. */
export const asksFirst = (schema: JsonSchema): boolean =>
  fieldsOf(schema).some(({ names, default: value }) => names !== null && value === "");

/** The word of a text of several names that is being written, and the text with another in its place. */
export function lastName(text: string): string {
  const name = text.slice(text.search(/[^,;]*$/)).trimStart();
  const word = name.slice(name.search(/\S*$/));
  return word.includes(":") ? word : name;
}
export const withName = (field: FormField, text: string, name: string): string =>
  field.names === "symbols" ? `${text.slice(0, text.length - lastName(text).length)}${name}, ` : name;

function resolved(root: JsonSchema, schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.split("/").at(-1);
  return name === undefined ? schema : { ...schema, ...root.$defs?.[name] };
}

function kindOf(name: string, { type, enum: choices, prefixItems }: JsonSchema): FormField["kind"] {
  if (choices !== undefined) return "choice";
  if (type === "boolean") return "flag";
  if (type === "integer") return name.endsWith("_ns") ? "time" : "whole";
  if (type === "number") return "number";
  if (type === "string") return "text";
  return type === "array" && prefixItems !== undefined ? "list" : "unknown";
}

/** Whether a field counts as the others stand. @param held the text of another field */
export const counts = ({ when }: FormField, held: (name: string) => string): boolean =>
  Object.entries(when).every(([name, value]) => held(name) === value);

/** A value as it stands in its field. */
export function fieldText(field: FormField, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (field.kind === "time") return new Date(Number(BigInt(String(value)) / 1_000_000n)).toISOString().slice(0, 19);
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** What was written in a field, or what is wrong with it. */
export type Parsed = { readonly value: unknown } | { readonly problem: string };

export function parseField(field: FormField, text: string): Parsed {
  const given = text.trim();
  if (given === "" && field.kind !== "text") return field.mayBeEmpty ? { value: null } : { problem: "it is empty" };
  switch (field.kind) {
    case "flag":
      return { value: given === "true" };
    case "choice":
      return field.choices.includes(given) ? { value: given } : { problem: `one of ${field.choices.join(", ")}` };
    case "whole":
    case "number":
      return parseNumber(field, given);
    case "time":
      return parseTime(given);
    case "list":
      return parseList(field, given);
    default:
      return field.names === null ? { value: given } : parseNames(field, given);
  }
}

function parseNumber(field: FormField, text: string): Parsed {
  const value = Number(text);
  if (!Number.isFinite(value) || (field.kind === "whole" && !Number.isInteger(value))) {
    return { problem: `"${text}" is no ${field.kind === "whole" ? "whole " : ""}number` };
  }
  const { least, most, above } = field;
  if (least !== null && (above ? value <= least : value < least))
    return { problem: `${above ? "above" : "at least"} ${least}` };
  return most !== null && value > most ? { problem: `at most ${most}` } : { value };
}

// A bar's own time is what is chosen; what JavaScript's numbers cannot hold is cut off below it, never above.
function parseTime(text: string): Parsed {
  const ms = Date.parse(/z$|[+-]\d\d:?\d\d$/i.test(text) ? text : `${text}Z`);
  return Number.isNaN(ms)
    ? { problem: `"${text}" is no time such as 2026-03-02T14:30` }
    : { value: anchorOf(BigInt(ms) * 1_000_000n) };
}

/** A time as a JSON number that is not behind it: 256 ns is what a double tells apart in this century. */
export const anchorOf = (ns: bigint): number => Number((ns / 256n) * 256n);

function parseNames(field: FormField, text: string): Parsed {
  const names = text
    .split(/[,;]|\s+(?=[^\s,;:]+:)/) // a name may have blanks: upstox:NSE_INDEX|India VIX
    .map((one) => one.trim())
    .filter((one) => one !== "");
  const wrong = names.find((one) => !/^\w+:\S.*$/.test(one));
  if (wrong !== undefined) return { problem: `"${wrong}" names no symbol such as binance_spot:BTCUSDT` };
  if (field.names === "symbol" && names.length > 1) return { problem: `one symbol, got ${names.length}` };
  return { value: names.join(", ") };
}

function parseList(field: FormField, text: string): Parsed {
  const parts = text.split(/[\s,;/]+/).filter((one) => one !== "");
  if (parts.length !== field.count) return { problem: `${field.count} numbers, got ${parts.length}` };
  const values: unknown[] = [];
  for (const part of parts) {
    const parsed = parseNumber({ ...field, kind: "number" }, part);
    if ("problem" in parsed) return parsed;
    values.push(parsed.value);
  }
  return { value: values };
}

/** The settings that are not the defaults: what is sent, kept and shown. */
export function changedOnly(schema: JsonSchema, params: StudyParams): StudyParams {
  const known = schema.properties ?? {};
  return Object.fromEntries(
    Object.entries(params).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(known[name]?.default)),
  );
}
