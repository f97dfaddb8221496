import type { Ms } from "../protocol/units";

/** A moment as the clock on the wall of a zone shows it. */
export interface LocalTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const monthNames = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;
// All offsets in use are whole quarters of an hour and change on one.
const blockMs = 900_000;
const two = (value: number): string => String(value).padStart(2, "0");

/** What some browsers call a zone, and what it is called now. */
const renamed: Readonly<Record<string, string>> = {
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Europe/Kiev": "Europe/Kyiv",
};
const named = (zone: string): string => renamed[zone] ?? zone;

/** Wall-clock arithmetic of one IANA zone: `Intl` says each offset once, the rest is integers. */
export class ZoneClock {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat | null;
  readonly #offsets = new Map<number, number>();

  /** @param zone an IANA name; "local" is the machine's own, and one that is not known counts as UTC */
  constructor(zone: string) {
    const name = zone === "local" ? new Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
    this.zone = name;
    this.#format = formatOf(name);
  }

  /** What to add to UTC to get wall-clock time. */
  offsetMs(time: Ms): number {
    if (this.#format === null) return 0;
    const block = Math.floor(time / blockMs);
    const known = this.#offsets.get(block);
    if (known !== undefined) return known;
    const at = block * blockMs;
    const part: Record<string, number> = {};
    for (const { type, value } of this.#format.formatToParts(at)) part[type] = Number(value);
    const wall = Date.UTC(
      part["year"] ?? 0,
      (part["month"] ?? 1) - 1,
      part["day"] ?? 1,
      part["hour"] ?? 0,
      part["minute"] ?? 0,
      part["second"] ?? 0,
    );
    if (this.#offsets.size > 20_000) this.#offsets.clear();
    this.#offsets.set(block, wall - at);
    return wall - at;
  }

  local(time: Ms): LocalTime {
    const wall = new Date(time + this.offsetMs(time));
    return {
      year: wall.getUTCFullYear(),
      month: wall.getUTCMonth() + 1,
      day: wall.getUTCDate(),
      hour: wall.getUTCHours(),
      minute: wall.getUTCMinutes(),
      second: wall.getUTCSeconds(),
    };
  }

  /** `14:05`, or `14:05:09` with seconds. */
  timeText(time: Ms, seconds = false): string {
    const at = this.local(time);
    return `${two(at.hour)}:${two(at.minute)}${seconds ? `:${two(at.second)}` : ""}`;
  }

  /** `14:05:09.123`. */
  preciseText(time: Ms): string {
    return `${this.timeText(time, true)}.${String(Math.floor(((time % 1000) + 1000) % 1000)).padStart(3, "0")}`;
  }

  /** `21 Nov`. */
  dayText(time: Ms): string {
    const at = this.local(time);
    return `${at.day} ${monthNames[at.month - 1] ?? ""}`;
  }

  /** `21 Nov 2025 14:05`. */
  fullText(time: Ms, seconds = false): string {
    return `${this.dayText(time)} ${this.local(time).year} ${this.timeText(time, seconds)}`;
  }

  monthText(time: Ms): string {
    const at = this.local(time);
    return at.month === 1 ? String(at.year) : (monthNames[at.month - 1] ?? "");
  }

  /** `UTC`, or `Asia/Kolkata (UTC+5:30)` at a moment. */
  label(time: Ms): string {
    const minutes = Math.round(this.offsetMs(time) / 60_000);
    if (minutes === 0 && /^(Etc\/)?(UTC|GMT)$/.test(this.zone)) return "UTC";
    const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
    return `${named(this.zone).replace(/_/g, " ")} (UTC${minutes < 0 ? "-" : "+"}${hours}${rest > 0 ? `:${two(rest)}` : ""})`;
  }
}

/** Whether a text is the IANA name of a zone. */
export const isZone = (name: string): boolean => name === "UTC" || formatOf(name) !== null;

/** What a zone is called in the list of them: any of its names may have been stored. */
export const zoneNow = (zone: string): string => named(formatOf(zone)?.resolvedOptions().timeZone ?? zone);

/** The zones of the world by their region, as the browser knows them; `words` is the name without its region. */
export function zonesByRegion(): readonly {
  readonly region: string;
  readonly names: readonly { readonly zone: string; readonly words: string }[];
}[] {
  const regions = new Map<string, { readonly zone: string; readonly words: string }[]>();
  for (const zone of Intl.supportedValuesOf("timeZone").map(named).sort()) {
    const cut = zone.indexOf("/");
    if (cut < 0) continue;
    const words = zone
      .slice(cut + 1)
      .replaceAll("_", " ")
      .replaceAll("/", ", ");
    const region = zone.slice(0, cut);
    regions.set(region, [...(regions.get(region) ?? []), { zone, words }]);
  }
  return [...regions].map(([region, names]) => ({ region, names }));
}

function formatOf(zone: string): Intl.DateTimeFormat | null {
  if (zone === "UTC" || zone === "Etc/UTC") return null;
  const options: Intl.DateTimeFormatOptions = {
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  };
  try {
    return new Intl.DateTimeFormat("en-US", { ...options, timeZone: zone });
  } catch {
    return null;
  }
}
