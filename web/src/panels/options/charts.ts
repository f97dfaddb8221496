import type { EChartsOption } from "echarts";
import { compact } from "../../model/format";
import { type NumberSigns, plainSigns, written } from "../../model/number-signs";
import { change, type NsClock, type OptionUnit, quantity, unitSize } from "../../model/option-table";
import type { ChainReply, OptionHistory, OptionSmile } from "../../protocol/options";

/** The page's colours, as they stand now. */
export interface ChartColours {
  readonly fg: string;
  readonly muted: string;
  readonly line: string;
  readonly panel: string;
  readonly buy: string;
  readonly sell: string;
  readonly accent: string;
  readonly warn: string;
}

type XAxis = NonNullable<EChartsOption["xAxis"]>;
type YAxis = NonNullable<EChartsOption["yAxis"]>;
type SeriesList = NonNullable<EChartsOption["series"]>;

const unknown = "–";

// What a tooltip says of a value; nothing that is not known becomes a zero.
const told =
  (text: (value: number) => string) =>
  (value: unknown): string =>
    typeof value === "number" && Number.isFinite(value) ? text(value) : unknown;
const priceText =
  (signs: NumberSigns) =>
  (value: number): string =>
    written(String(Math.round(100 * value) / 100), signs);
const fixed =
  (decimals: number, signs: NumberSigns) =>
  (value: number): string =>
    written(value.toFixed(decimals), signs);

/** What every chart has: how its text, its legend and its tooltip look. */
export function frame(colours: ChartColours, signs = plainSigns): EChartsOption {
  return {
    animation: false,
    textStyle: { color: colours.fg, fontFamily: "inherit", fontSize: 11 },
    grid: { left: 62, right: 62, top: 48, bottom: 44 }, // the legend takes two lines of a phone, the names of axes one
    legend: { top: 4, textStyle: { color: colours.fg, fontSize: 11 }, itemHeight: 8, itemWidth: 14 },
    tooltip: {
      trigger: "axis",
      backgroundColor: colours.panel,
      borderColor: colours.line,
      textStyle: { color: colours.fg, fontSize: 11 },
      className: "chart-tip",
      confine: true,
      transitionDuration: 0, // what it says is read out at once
      valueFormatter: told(priceText(signs)),
    },
  };
}

/** An axis of names, one after the other. */
export const category = (colours: ChartColours, data: readonly string[], name = ""): XAxis => ({
  type: "category",
  data: [...data],
  name,
  nameLocation: "middle",
  nameGap: 28,
  nameTextStyle: { color: colours.muted },
  axisLabel: { color: colours.muted, hideOverlap: true },
  axisLine: { lineStyle: { color: colours.line } },
  axisTick: { show: false },
});

const labelPx = 14; // from one strike that is named to the next
const everies = [1, 2, 4, 5, 10, 20, 40, 50, 100];

/** Which of some ascending strikes are named on an axis so many pixels long: as many as have room, at round ones. */
export function namedStrikes(strikes: readonly string[], length: number): (place: number) => boolean {
  const numbers = strikes.map(Number);
  const steps = numbers.slice(1).map((strike, place) => strike - (numbers[place] as number));
  const unit = Math.min(...steps, Number.POSITIVE_INFINITY);
  const isRound = (place: number, every: number): boolean =>
    !Number.isFinite(unit) || Math.round((numbers[place] as number) / unit) % every === 0;
  const leastGap = (labelPx * strikes.length) / Math.max(1, length);
  const hasRoom = (every: number): boolean => {
    const named = [...numbers.keys()].filter((place) => isRound(place, every));
    return named.every((place, k) => k === 0 || place - (named[k - 1] as number) >= leastGap);
  };
  const every = everies.find(hasRoom) ?? 100;
  return (place) => isRound(place, every);
}

/** An axis of strikes, or of what is told of each (`texts`), with as many names as have room. */
export function strikeAxis(
  colours: ChartColours,
  strikes: readonly string[],
  length: number,
  texts: readonly string[],
): object {
  const isNamed = namedStrikes(strikes, length);
  const [showMinLabel, showMaxLabel] = [isNamed(0), isNamed(strikes.length - 1)];
  const axisLabel = { color: colours.muted, interval: isNamed, showMinLabel, showMaxLabel };
  return { ...(category(colours, texts) as object), axisLabel };
}

interface ValueAxis {
  readonly name: string;
  readonly right?: boolean;
  readonly fromZero?: boolean;
  readonly text: (value: number) => string;
  /** What is drawn on it. */
  readonly data?: readonly (number | null)[];
  /** How much it reaches over at least. */
  readonly least?: number;
}

/** A margin of a hundredth around what does not move (the library's own is half of the value), and no less than `least` in all: what hardly moves must not look wild. */
function leastSpan(data: readonly (number | null)[], least: number): { min?: number; max?: number } {
  const known = data.filter((one) => one !== null);
  if (known.length === 0) return {};
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const wanted = low === high ? Math.max(least, Math.abs(low) / 50) : least;
  if (high - low >= wanted) return {};
  const margin = (wanted - (high - low)) / 2;
  return { min: low - margin, max: high + margin };
}

function values(
  colours: ChartColours,
  { name, right = false, fromZero = false, text, data = [], least = 0 }: ValueAxis,
): object {
  const span = leastSpan(data, least);
  const isRound = span.min === undefined; // else its ends are no steps of it, and their labels lie on others
  return {
    type: "value",
    name,
    position: right ? "right" : "left",
    scale: !fromZero,
    ...span,
    nameTextStyle: { color: colours.muted, align: right ? "right" : "left" },
    axisLabel: { color: colours.muted, formatter: text, showMinLabel: isRound, showMaxLabel: isRound },
    splitLine: { show: !right, lineStyle: { color: colours.line } },
  };
}

const line = (name: string, data: readonly (number | null)[], color: string, axis = 0): object => ({
  type: "line",
  name,
  data: [...data],
  yAxisIndex: axis,
  showSymbol: false,
  connectNulls: false,
  lineStyle: { width: 1.6, color },
  itemStyle: { color },
});

const strikesText = (strikes: readonly string[], signs: NumberSigns): string[] =>
  strikes.map((strike) => written(strike, signs));

const numbers = (texts: readonly (string | null)[]): (number | null)[] =>
  texts.map((text) => (text === null ? null : Number(text)));

/** PCR by open interest and by volume, and max pain through the day. */
export function ratiosChart(
  history: OptionHistory,
  colours: ChartColours,
  clock: NsClock,
  signs = plainSigns,
): EChartsOption {
  const pain = numbers(history.max_pain);
  const ratios = [...history.pcr_oi, ...history.pcr_volume];
  return {
    ...frame(colours, signs),
    xAxis: category(colours, history.at_ns.map(clock)),
    yAxis: [
      values(colours, { name: "PCR", text: fixed(2, signs), data: ratios, least: 0.1 }),
      values(colours, { name: "max pain", right: true, text: priceText(signs), data: pain }),
    ],
    series: [
      line("PCR by OI", history.pcr_oi, colours.accent),
      line("PCR by volume", history.pcr_volume, colours.muted),
      { ...line("Max pain", pain, colours.warn, 1), step: "end" },
    ] as SeriesList,
  };
}

/** The straddle at the money and the volatility that it implies, through the day. */
export function straddleChart(
  history: OptionHistory,
  colours: ChartColours,
  clock: NsClock,
  signs = plainSigns,
): EChartsOption {
  const percent = history.atm_iv.map((one) => (one === null ? null : 100 * one));
  return {
    ...frame(colours, signs),
    xAxis: category(colours, history.at_ns.map(clock)),
    yAxis: [
      values(colours, { name: "straddle", text: fixed(2, signs), data: history.straddle, least: 1 }),
      values(colours, { name: "IV %", right: true, text: fixed(2, signs), data: percent, least: 1 }),
    ],
    series: [
      line("ATM straddle", history.straddle, colours.accent),
      line("ATM IV", percent, colours.warn, 1),
    ] as SeriesList,
  };
}

/** Volatility by strike: the option out of the money counts, both sides beside it. */
export function smileChart(smile: OptionSmile, colours: ChartColours, signs = plainSigns): EChartsOption {
  const percent = (all: readonly (number | null)[]): (number | null)[] =>
    all.map((one) => (one === null ? null : 100 * one));
  return {
    ...frame(colours, signs),
    xAxis: category(colours, strikesText(smile.strikes, signs), "strike"),
    yAxis: values(colours, { name: "IV %", text: fixed(1, signs), data: percent(smile.iv), least: 1 }) as YAxis,
    series: [
      line("out of the money", percent(smile.iv), colours.accent),
      { ...line("calls", percent(smile.call_iv), colours.sell), lineStyle: { width: 1, type: "dashed" } },
      { ...line("puts", percent(smile.put_iv), colours.buy), lineStyle: { width: 1, type: "dashed" } },
    ] as SeriesList,
  };
}

/** Open interest by strike, calls to the left and puts to the right, with what changed since the day before. */
export function profileChart(
  chain: ChainReply,
  colours: ChartColours,
  unit: OptionUnit,
  { height, signs = plainSigns }: { readonly height: number; readonly signs?: typeof plainSigns },
): EChartsOption {
  const size = unitSize(chain, unit);
  const read = (side: "call" | "put", name: "oi" | "oi_day", sign: number): (number | null)[] =>
    chain.rows.map((row) => (row[side][name] === null ? null : (sign * Number(row[side][name])) / size));
  // Narrow bars before wide ones: each kind has an axis of its own, else the library puts them side by side.
  const bar = (name: string, side: "call" | "put", color: string, isChange: boolean): object => ({
    type: "bar",
    name,
    data: read(side, isChange ? "oi_day" : "oi", side === "call" ? -1 : 1),
    // Calls are drawn to the left: what is said has the sign of the number, not that of its place.
    tooltip: {
      valueFormatter: told((value) => {
        const units = String(side === "call" ? -value : value);
        return isChange ? change(units, 1, signs).text : quantity(units, 1, signs);
      }),
    },
    yAxisIndex: isChange ? 1 : 0,
    itemStyle: { color, opacity: isChange ? 1 : 0.4 },
    barGap: "-100%",
    barWidth: isChange ? "34%" : "78%",
  });
  const named = chain.rows.map(({ strike }) => strike);
  const strikes = strikeAxis(colours, named, height - 92, strikesText(named, signs));
  const size0 = (value: unknown): string => compact(Math.abs(Number(value)), signs);
  return {
    ...frame(colours, signs),
    tooltip: { ...(frame(colours).tooltip as object), axisPointer: { type: "shadow" } },
    xAxis: values(colours, { name: "", fromZero: true, text: size0 }) as XAxis,
    yAxis: [strikes, { ...strikes, show: false }] as YAxis,
    series: [
      bar("calls", "call", colours.sell, false),
      bar("puts", "put", colours.buy, false),
      bar("calls, change of the day", "call", colours.sell, true),
      bar("puts, change of the day", "put", colours.buy, true),
    ] as SeriesList,
  };
}
