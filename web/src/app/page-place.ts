import type { AutoScale } from "../model/auto-scale";
import { autoScaleModes } from "../model/auto-scale";
import type { ReturnPlace } from "../model/place";
import type { BarIndex } from "../protocol/units";
import type { Terminal } from "./terminal";

const key = "footloom.place.1";

/** What a reload restores at once, beside symbol, bars and step, which the address holds, and settings and panes. */
interface PagePlace {
  readonly bars: string;
  readonly place: ReturnPlace;
  readonly maximised: string | null;
  /** The cell under the crosshair, by its bar's time and its price. */
  readonly cursor: { readonly openNs: bigint; readonly tick: number } | null;
}

/** Where this tab stands, as text; null while it shows nothing. */
export function placeText(terminal: Terminal): string | null {
  const { model, chart } = terminal;
  const place = model.returnPlace();
  if (place === null || model.meta === null) return null;
  const { cursor } = chart;
  const pointed = cursor?.pane === "price" && cursor.index !== null && model.series.has(cursor.index) ? cursor : null;
  const words: PagePlace = {
    bars: model.meta.bars,
    place,
    maximised: chart.maximised,
    cursor:
      pointed === null
        ? null
        : {
            openNs: model.series.openNs(pointed.index as BarIndex),
            tick: pointed.row * model.price.ticksPerLevel,
          },
  };
  return JSON.stringify(words, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
}

/** Remember the place when the page goes; each tab its own. */
export function rememberPlace(terminal: Terminal, storage: Storage | null): void {
  const keep = (): void => {
    const text = placeText(terminal);
    try {
      if (text !== null) storage?.setItem(key, text);
    } catch {
      // Full or forbidden: the page works without memory.
    }
  };
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && keep());
}

/** Stand again where this tab stood. What does not fit the chart that is opened is left alone. */
export function restorePlace(terminal: Terminal, storage: Storage | null, symbol: string | null): void {
  const found = read(storage);
  if (found === null || (symbol !== null && found.place.symbol !== symbol)) return;
  const { model, chart } = terminal;
  model.returnTo(found.place);
  if (found.maximised !== null && chart.panes.some(({ id }) => id === found.maximised)) chart.maximise(found.maximised);
  const { cursor } = found;
  if (cursor === null) return;
  let stop = (): void => {};
  let isDone = false;
  stop = terminal.meta.subscribe((meta) => {
    if (meta === null || isDone) return;
    isDone = true;
    // The bars are shown right after what is said of them.
    queueMicrotask(() => {
      stop();
      const index = model.series.at(cursor.openNs);
      if (meta.symbol === found.place.symbol && index !== null) {
        chart.pointAtCell(index, Math.floor(cursor.tick / meta.ticks_per_level));
      }
    });
  });
}

function read(storage: Storage | null): PagePlace | null {
  try {
    const revive = (_: string, value: unknown): unknown =>
      typeof value === "string" && /^-?\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
    const value = JSON.parse(storage?.getItem(key) ?? "null", revive) as PagePlace | null;
    return value !== null && isPlace(value.place) ? value : null;
  } catch {
    return null;
  }
}

function isPlace(place: ReturnPlace): boolean {
  const numbers = [place.offset, place.fraction, place.barCss, place.rowCss, place.centreTick, place.ticksPerLevel];
  return (
    typeof place.symbol === "string" &&
    typeof place.rightNs === "bigint" &&
    numbers.every((value) => Number.isFinite(value)) &&
    autoScaleModes.includes(place.autoScale as AutoScale)
  );
}
