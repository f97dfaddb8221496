import { expect, it } from "vitest";
import { type TopicScene, Topics } from "../src/app/topics";
import type { TopicListener } from "../src/data/hub";
import { ChartModel } from "../src/model/chart-model";
import { frameOf, minutes } from "./support/frames";

it("says that a chart lacks its studies for as long as it does, whatever becomes of the connection", () => {
  const listeners: TopicListener[] = [];
  const said: string[] = [];
  const nothing = (): void => {};
  const hub = { subscribe: (_asked: object, listener: TopicListener) => listeners.push(listener) && nothing };
  const says = (words: string): unknown => said.push(words);
  const scene = new Proxy({}, { get: (_of, name) => (name === "says" ? says : nothing) });
  const study = { study: "cvd", label: "cvd", params: {} };
  const topics = new Topics(
    {
      hub: hub as never,
      rest: {} as never,
      clock: { now: () => 0, after: nothing },
      model: new ChartModel(),
      studies: () => [study],
      addressed: nothing,
    },
    scene as unknown as TopicScene,
  );
  const tells = (at: number): void => {
    listeners[at]?.subscribed({ symbol: "sim:PERP", bars: "1m" }, []);
    listeners[at]?.frame(frameOf(minutes(0, 3), "snapshot", 0, { has_more: false }));
  };
  topics.openAsked({ symbol: "sim:PERP", bars: "1m", step: null });
  listeners[0]?.refused("bad_study", "cvd is too much");
  tells(1);
  const words = "shown without its studies: cvd is too much";
  expect(said).toEqual([words]);
  listeners[1]?.refused("gone", "the server ends");
  tells(1); // the connection is back
  expect(said.at(-1), "what failed meanwhile is over").toBe(words);
  topics.feed?.setStudies([study]);
  tells(2);
  tells(2);
  expect(said.at(-1), "it has its studies now").toBe("");
});
