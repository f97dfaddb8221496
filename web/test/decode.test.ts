import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { decodeFrame } from "../src/protocol/decode";
import { parseServerMessage } from "../src/protocol/messages";
import { ProtocolError } from "../src/protocol/problem";

// Written by tests/browser/golden_frame.py with struct.pack.
function golden(): ArrayBuffer {
  const text = readFileSync(new URL("./fixtures/frame.hex", import.meta.url), "ascii").replace(/\s/g, "");
  const bytes = Uint8Array.from({ length: text.length / 2 }, (_, k) =>
    Number.parseInt(text.slice(2 * k, 2 * k + 2), 16),
  );
  return bytes.buffer;
}

describe("decodeFrame", () => {
  it("reads every column of the golden frame", () => {
    const frame = decodeFrame(golden());
    expect(frame.kind).toBe("snapshot");
    expect(frame.count).toBe(2);
    expect(frame.topicId).toBe(42);
    expect(frame.topicSeq).toBe(2 ** 53 - 1);
    expect(frame.prevSeq).toBe(41);
    expect(frame.meta?.symbol).toBe("sim:PERP");
    expect([...frame.bars.open_ns]).toEqual([1763735820000000000n, 1763735880000000000n]);
    expect([...frame.bars.last_ns]).toEqual([1763735879999999999n, 1763735893250000001n]);
    expect([...frame.bars.base_row]).toEqual([65600, 65598]);
    expect([...frame.bars.close_tick]).toEqual([131202, 131199]);
    expect([...frame.bars.buy]).toEqual([1500, 2 ** 53 - 1]);
    expect([...frame.bars.cvd]).toEqual([-4321, -3071]);
    expect([...frame.bars.quote_share]).toEqual([Number.NaN, 0.5]);
    expect([...frame.bars.val]).toEqual([0, -1]);
    expect([...frame.bars.flags]).toEqual([1, 2]);
    expect([...frame.bars.level_start]).toEqual([0, 2, 5]);
    expect([...frame.levels.row]).toEqual([0, 1, 0, 1, 3]);
    expect([...frame.levels.buy]).toEqual([500, 1000, 9007199254740984, 7, 0]);
    expect([...frame.levels.unknown]).toEqual([0, 0, 7, 0, 0]);
    expect([...frame.levels.trades]).toEqual([5, 7, 1, 1, 1]);
    expect([...frame.levels.cell_flags]).toEqual([0, 5, 0, 1, 2]);
  });

  it("copies nothing: the columns are views of the message", () => {
    const buffer = golden();
    const frame = decodeFrame(buffer);
    expect(frame.bars.buy.buffer).toBe(buffer);
    expect(frame.levels.cell_flags.buffer).toBe(buffer);
  });

  it.each([
    ["a cut frame", (bytes: Uint8Array) => bytes.slice(0, bytes.length - 8), /frame ends at byte/],
    [
      "a frame with more behind it",
      (bytes: Uint8Array) => Uint8Array.from([...bytes, ...new Uint8Array(8)]),
      /has \d+ bytes/,
    ],
    ["no frame", (bytes: Uint8Array) => Uint8Array.from([1, ...bytes.slice(1)]), /no chart frame/],
    ["another version", (bytes: Uint8Array) => bytes.with(4, 3), /version 3.*reload/],
    ["an unknown kind", (bytes: Uint8Array) => bytes.with(5, 9), /kind 9/],
    ["nothing", () => new Uint8Array(3), /at least 40 bytes/],
  ])("refuses %s", (_, change, message) => {
    const bytes = change(new Uint8Array(golden()));
    const act = () => decodeFrame(bytes.slice().buffer);
    expect(act).toThrow(ProtocolError);
    expect(act).toThrow(message);
  });
});

describe("parseServerMessage", () => {
  it("reads what it knows and leaves what it does not", () => {
    expect(parseServerMessage('{"type":"hello","version":1,"server":"x"}')).toMatchObject({ type: "hello" });
    expect(parseServerMessage('{"type":"weather"}')).toBeNull();
    expect(() => parseServerMessage("[1]")).toThrow(ProtocolError);
  });
});
