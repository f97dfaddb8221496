import { describe, expect, it } from "vitest";
import { readLayout, writeLayout } from "../src/model/layout-file";

describe("layouts as files", () => {
  it("come back as they were written", () => {
    const layout = {
      charts: [{ symbol: "sim:PERP", bars: "1m", step: null }],
      look: { settings: { theme: "dark" }, panes: [] },
    } as const;
    expect(readLayout(writeLayout(layout))).toEqual(layout);
  });

  it.each([
    ["not json", "it is no JSON"],
    ["[]", "it is no layout"],
    ['{"a": 1}', "it has no charts"],
    ['{"charts": []}', "its first chart is not understood"],
    ['{"charts": [{"bars": "1m"}]}', "its first chart is not understood"],
    ['{"charts": [{"symbol": "x:Y"}], "version": 9}', "written by a newer footloom (version 9, this page reads 1)"],
    ['{"charts": [{"symbol": "x:Y"}], "version": "9"}', "written by a newer footloom"],
  ])("%s is refused in words", (text, words) => {
    expect(readLayout(text)).toHaveProperty("problem", expect.stringContaining(words));
  });

  it("reads what other programs wrote by the letter of the REST example", () => {
    expect(readLayout('{"charts": [{"symbol": "sim:PERP", "bars": "5m", "step": -1}]}')).toEqual({
      charts: [{ symbol: "sim:PERP", bars: "5m", step: null }],
      look: {},
    });
  });
});
