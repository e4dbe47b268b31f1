// Values of a form by path ("children/child[2]/name", counted from 1), and which items are asked for.

import type { Condition, Item, Service, Values } from "./api";

type Step = string | number;
type Node = string | Values | Values[] | undefined;

function stepsOf(path: string): Step[] {
  return path.split("/").flatMap((part): Step[] => {
    const found = /^(.*)\[(\d+)\]$/.exec(part);
    return found ? [found[1], Number(found[2]) - 1] : [part];
  });
}

export function valueAt(values: Values, path: string): Node {
  let node: Node = values;
  for (const step of stepsOf(path)) {
    if (typeof node !== "object") return undefined;
    node = (node as { [step: Step]: Node })[step];
  }
  return node;
}

export function textAt(values: Values, path: string): string {
  const value = valueAt(values, path);
  return typeof value === "string" ? value : "";
}

/** A copy in which the value at the path is another; undefined takes it away. */
export function withValue(values: Values, path: string, value: Node): Values {
  const put = (node: Node, [step, ...rest]: Step[]): Node => {
    const inner = (node as { [step: Step]: Node } | undefined)?.[step];
    const next = rest.length ? put(inner, rest) : value;
    if (typeof step === "number") {
      const list = Array.isArray(node) ? [...node] : [];
      list[step] = (next ?? {}) as Values;
      return list;
    }
    const copy: Values = { ...(node as Values | undefined) };
    if (next === undefined) delete copy[step];
    else copy[step] = next;
    return copy;
  };
  return put(values, stepsOf(path)) as Values;
}

/** "children/child/kind" beside "children/child[2]/name" is "children/child[2]/kind". */
function pathBeside(wanted: string, path: string): string {
  const [steps, here] = [wanted.split("/"), path.split("/")];
  let same = 0;
  while (same < steps.length && here[same]?.replace(/\[.*/, "") === steps[same]) same++;
  return [...here.slice(0, same), ...steps.slice(same)].join("/");
}

function holds(condition: Condition, values: Values, path: string): boolean {
  return textAt(values, pathBeside(condition.when, path)) === condition.is;
}

export function isForbidden(service: Service, item: Item, values: Values, path: string): boolean {
  return service.conditions.some(
    (c) => c.forbid && c.item === item.path && holds(c, values, path),
  );
}

export function isRequired(service: Service, item: Item, values: Values, path: string): boolean {
  return (
    item.required ||
    service.conditions.some((c) => !c.forbid && c.item === item.path && holds(c, values, path))
  );
}

/** The claimant's items that a card can fill in, by their names in the form. */
export const cardItems: { [name: string]: "name" | "birth_date" | "sex" | "address" } = {
  name: "name",
  "birth-date": "birth_date",
  sex: "sex",
  address: "address",
};

export function fieldId(path: string): string {
  return "f-" + path.replace(/[/[\]]/g, "_");
}

/** Items of digits alone: hyphens and blanks that were typed go. */
export function wantsDigits(item: Item): boolean {
  return (
    item.kind === "integer" ||
    (item.patterns?.length === 1 && /^\[0-9\]\{\d+(,\d+)?\}$/.test(item.patterns[0]))
  );
}

/** Items of digits, and hyphens maybe: what was typed in full width becomes half width. */
export function wantsHalfWidth(item: Item): boolean {
  return wantsDigits(item) || ["phone", "postal-code"].includes(item.check ?? "");
}
