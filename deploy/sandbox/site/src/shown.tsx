// What was filled in, to read.

import type { File_, Item, Service, Values } from "./api";
import { isForbidden, textAt, valueAt } from "./form";
import { fileSize, longDay } from "./text";

function wordsOf(item: Item, text: string): string {
  if (item.kind === "date") return longDay(text);
  return item.choices?.find((choice) => choice.value === text)?.label ?? text;
}

function Leaf(props: { item: Item; text: string }) {
  return (
    <div class="row">
      <dt>{props.item.label}</dt>
      <dd>{props.text ? wordsOf(props.item, props.text) : <span class="none">入力なし</span>}</dd>
    </div>
  );
}

function Parts(props: {
  service: Service;
  values: Values;
  items: Item[];
  around: string;
  title?: string;
}) {
  const asked = props.items.filter(
    (item) => !isForbidden(props.service, item, props.values, props.around + item.name),
  );
  const leaves = asked.filter((item) => !item.parts);
  return (
    <>
      {leaves.length > 0 && (
        <dl class="rows" aria-label={props.title}>
          {leaves.map((item) => (
            <Leaf item={item} text={textAt(props.values, props.around + item.name)} />
          ))}
        </dl>
      )}
      {asked
        .filter((item) => item.parts)
        .map((item) => (
          <Part {...props} item={item} path={props.around + item.name} />
        ))}
    </>
  );
}

function Part(props: { service: Service; values: Values; item: Item; path: string }) {
  const { service, values, item, path } = props;
  const value = valueAt(values, path);
  if (item.kind === "list")
    return (
      <>
        {(Array.isArray(value) ? value : []).map((_, i) => (
          <section class="entry">
            <h3>
              {item.label} {i + 1}件目
            </h3>
            <Parts
              service={service}
              values={values}
              items={item.parts ?? []}
              around={`${path}[${i + 1}]/`}
            />
          </section>
        ))}
      </>
    );
  if (value === undefined && !item.required) return <p class="none">{item.label}：入力なし</p>;
  return (
    <Parts service={service} values={values} items={item.parts ?? []} around={`${path}/`} />
  );
}

export function ShownItems(props: { service: Service; values: Values; items: Item[] }) {
  return <Parts {...props} around="" />;
}

export function ShownFiles(props: { service: Service; files: File_[] }) {
  return (
    <dl class="rows">
      {(props.service.documents ?? []).map((document) => (
        <div class="row">
          <dt>{document.label}</dt>
          <dd>
            {props.files
              .filter((file) => file.document === document.id)
              .map((file) => (
                <div>
                  {decodeURIComponent(file.name) || "添付ファイル"}（{fileSize(file.size)}）
                </div>
              ))}
            {!props.files.some((file) => file.document === document.id) && (
              <span class="none">添付なし</span>
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}
