// What letters do not show is told by its number, wherever a page shows a text: 外字, which no
// font has, and characters that nobody sees or that turn the letters around them, so that no
// name can look like another. Glyph selectors (IVS) are neither: they belong to the kanji before
// them.

import { type ComponentChildren, Fragment, options } from "preact";

const RARE =
  /([\p{Co}\u2028\u2029\u034F\u115F\u1160\u3164\uFFA0]|(?![\t\n\r])[\p{Cc}\p{Cf}])/u;

const number = (c: string) => `U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
const told = (c: string) => `${/\p{Co}/u.test(c) ? "外字" : "見えない文字"} ${number(c)}`;

/** `marked` false: within what takes nothing but a text. */
function shown(children: ComponentChildren, marked: boolean): ComponentChildren {
  if (Array.isArray(children)) return children.map((child) => shown(child, marked));
  if (typeof children !== "string" || !RARE.test(children)) return children;
  const parts = children.split(RARE);
  return marked
    ? parts.map((part, i) => (i % 2 ? <span class="rare">{told(part)}</span> : part))
    : parts.map((part, i) => (i % 2 ? ` ${told(part)} ` : part)).join("");
}

/** From now on, in all that is drawn. */
export function tellRare() {
  const next = options.vnode;
  options.vnode = (vnode) => {
    const { type } = vnode;
    if (type === Fragment || (typeof type === "string" && type !== "textarea"))
      vnode.props.children = shown(vnode.props.children, type !== "option");
    next?.(vnode);
  };
}
