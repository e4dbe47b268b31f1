// The guided form: one group a step, then attachments, a last look, and the signature.

import { useEffect, useRef, useState } from "preact/hooks";

import {
  api,
  ApiError,
  type Document_,
  type Draft,
  type FieldError,
  type Item,
  type Resident,
  type Service,
  type Values,
} from "./api";
import { ErrorSummary, Fields, type Filling } from "./fields";
import { cardItems, withValue } from "./form";
import { Button, Failure, Heading, Link, Loading, Notice, NotThere, useLoaded } from "./parts";
import { go, usePage } from "./router";
import { ShownFiles, ShownItems } from "./shown";
import { fileSize } from "./text";

interface Step {
  key: string; /* in the address */
  title: string;
  items?: Item[];
}

/** An item or two, and no consent: not worth a page of its own. */
function isSmall(group: { items: Item[] }): boolean {
  return (
    group.items.length <= 2 &&
    group.items.every((item) => !item.parts && item.choices?.length !== 1)
  );
}

function stepsOf(service: Service): Step[] {
  const steps: Step[] = [];
  for (const group of service.groups) {
    const before = steps[steps.length - 1];
    if (before && isSmall(group)) before.items = [...(before.items ?? []), ...group.items];
    else steps.push({ key: String(steps.length + 1), title: group.label, items: group.items });
  }
  if (service.documents?.length) steps.push({ key: "files", title: "書類の添付" });
  steps.push({ key: "confirm", title: "内容の確認" }, { key: "sign", title: "署名と送信" });
  return steps;
}

function belongs(error: FieldError, step: Step): boolean {
  const top = error.path.split(/[/[]/)[0];
  return step.items ? step.items.some((item) => item.name === top) : step.key === "files" && top === "documents";
}

function Progress(props: { steps: Step[]; at: number }) {
  return (
    <div class="progress">
      <p>
        {props.steps.length}ステップ中 {props.at + 1}
        {props.at + 1 < props.steps.length && `（次は「${props.steps[props.at + 1].title}」）`}
      </p>
      <progress max={props.steps.length} value={props.at + 1} aria-label="申請の進み具合" />
    </div>
  );
}

/** The first item may bear the step's own name: then its parts stand right below it. */
function StepFields(props: { filling: Filling; step: Step }) {
  const [first, ...others] = props.step.items ?? [];
  const items = props.step.items ?? [];
  if (first?.kind === "group" && first.required && first.label === props.step.title)
    return (
      <>
        {first.help && <p class="help">{first.help}</p>}
        <Fields filling={props.filling} items={first.parts ?? []} around={`${first.name}/`} />
        <Fields filling={props.filling} items={others} around="" />
      </>
    );
  return <Fields filling={props.filling} items={items} around="" />;
}

function FromCard(props: { items: Item[]; resident: Resident; filling: Filling }) {
  const [done, setDone] = useState(false);
  const claimant = props.items.find((item) => item.name === "claimant");
  if (!claimant) return null;
  const fill = () => {
    let values = props.filling.values;
    for (const part of claimant.parts ?? [])
      if (cardItems[part.name])
        values = withValue(values, part.path, props.resident[cardItems[part.name]]);
    props.filling.change(values);
    setDone(true);
  };
  return (
    <div class="from-card">
      <p>
        マイナンバーカードの氏名、生年月日、性別、住所を、入力欄に写せます。
      </p>
      <Button look="second" onClick={fill}>
        カードから入力する
      </Button>
      <p role="status">{done && "カードの内容を入力しました。"}</p>
    </div>
  );
}

function DocumentField(props: {
  draft: Draft;
  document: Document_;
  error?: string;
  onChange: () => Promise<void>;
}) {
  const { draft, document } = props;
  const [failed, setFailed] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const id = `f-documents_${document.id}`;
  const files = draft.files.filter((file) => file.document === document.id);
  const accept = document.formats
    .split(" ")
    .map((f) => ({ pdf: "application/pdf", jpeg: "image/jpeg", png: "image/png" })[f])
    .join(",");
  const change = async (work: () => Promise<unknown>) => {
    setBusy(true);
    setFailed(undefined);
    await work().catch(setFailed);
    await props.onChange().catch(setFailed);
    setBusy(false);
  };
  return (
    <section class={`field document${props.error ? " field-wrong" : ""}`} aria-label={document.label}>
      <label for={id} class="document-title">
        {document.label}
        {document.required && !document.conditional ? (
          <span class="badge badge-required">必須</span>
        ) : (
          <span class="badge badge-optional">該当する場合</span>
        )}
      </label>
      <p class="help" id={`${id}-help`}>
        {document.help} {document.formats.toUpperCase().replace(/ /g, "、")}形式、
        {fileSize(document.size_most)}まで、{document.most}個まで。
      </p>
      {props.error && <p class="error">{props.error}</p>}
      <Failure error={failed} />
      <ul class="files">
        {files.map((file) => (
          <li>
            <span>
              {decodeURIComponent(file.name) || "添付ファイル"}（{fileSize(file.size)}）
            </span>
            <Button look="text" disabled={busy} onClick={() => change(() => api.detach(draft.id, file.id))}>
              削除<span class="visually-hidden">：{decodeURIComponent(file.name)}</span>
            </Button>
          </li>
        ))}
      </ul>
      {files.length < document.most && (
        <input
          id={id}
          type="file"
          accept={accept}
          disabled={busy}
          aria-describedby={`${id}-help`}
          onChange={(e) => {
            const input = e.currentTarget;
            const file = input.files?.[0];
            if (file)
              void change(() => api.attach(draft.id, document.id, file)).then(() => {
                input.value = "";
              });
          }}
        />
      )}
    </section>
  );
}

function Review(props: { draft: Draft; service: Service; values: Values; steps: Step[] }) {
  const { draft, service } = props;
  return (
    <>
      <p>送信する内容です。まちがいがないかご確認ください。</p>
      {props.steps
        .filter((step) => step.items || step.key === "files")
        .map((step) => (
          <section class="review" aria-label={step.title}>
            <div class="review-title">
              <h2>{step.title}</h2>
              <Link to={`/apply/${draft.id}/${step.key}`}>
                変更する<span class="visually-hidden">：{step.title}</span>
              </Link>
            </div>
            {step.items ? (
              <ShownItems service={service} values={props.values} items={step.items} />
            ) : (
              <ShownFiles service={service} files={draft.files} />
            )}
          </section>
        ))}
      {service.purpose && (
        <Notice kind="info" title="個人情報の利用目的">
          <p>{service.purpose}</p>
        </Notice>
      )}
    </>
  );
}

function Sign(props: { draft: Draft; resident: Resident; onErrors: (errors: FieldError[]) => void }) {
  const [pin, setPin] = useState("");
  const [shown, setShown] = useState(false);
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const refuse = (words: string) => {
    setWrong(words);
    setPin("");
    field.current?.focus();
  };
  const failed = (e: unknown) => {
    if (!(e instanceof ApiError)) return refuse("送信できませんでした。もう一度お試しください。");
    if (e.body.code === "pin-wrong")
      return refuse(`暗証番号が違います。あと${e.body.left}回まちがえると、カードがロックされます。`);
    if (e.body.code === "pin-locked")
      return refuse(
        "暗証番号を5回続けてまちがえたため、カードがロックされました。市の窓口で再設定してください。入力した内容は保存されています。",
      );
    if (Array.isArray(e.body.errors)) return props.onErrors(e.body.errors as FieldError[]);
    refuse(e.message);
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (busy) return;
    if (!/^[0-9A-Za-z]{6,16}$/.test(pin))
      return refuse("暗証番号は、6文字から16文字の英数字で入力してください。");
    setBusy(true);
    await api.submit(props.draft.id, pin.toUpperCase()).then(
      ({ receipt_number }) => go(`/applications/${receipt_number}?new`, true),
      failed,
    );
    setBusy(false);
  };
  return (
    <form onSubmit={submit} noValidate>
      <p>
        マイナンバーカードの署名用電子証明書で署名し、市に送信します。送信したあとは、市から訂正の連絡があるまで内容を変えられません。
      </p>
      <div class={`field${wrong ? " field-wrong" : ""}`}>
        <label for="sign-pin">署名用の暗証番号</label>
        <p class="help" id="sign-pin-help">
          英数字6文字から16文字。5回続けてまちがえるとロックされます。
        </p>
        {wrong && (
          <p class="error" id="sign-pin-error" role="alert">
            {wrong}
          </p>
        )}
        <input
          id="sign-pin"
          ref={field}
          type={shown ? "text" : "password"}
          autocomplete="off"
          autocapitalize="characters"
          class="width-middle"
          maxLength={16}
          value={pin}
          aria-invalid={wrong ? true : undefined}
          aria-describedby={wrong ? "sign-pin-help sign-pin-error" : "sign-pin-help"}
          onInput={(e) => setPin(e.currentTarget.value)}
        />
        <label class="choice">
          <input type="checkbox" checked={shown} onChange={(e) => setShown(e.currentTarget.checked)} />
          <span>暗証番号を表示する</span>
        </label>
      </div>
      <p class="help">
        試験用：{props.resident.name}さんのカードの署名用暗証番号は <code>{props.resident.sign_pin}</code>{" "}
        です。
      </p>
      <div class="actions">
        <Button type="submit" disabled={busy}>
          {busy ? "送信しています…" : "署名して申請する"}
        </Button>
        <Button look="second" onClick={() => go(`/apply/${props.draft.id}/confirm`)}>
          戻る
        </Button>
      </div>
    </form>
  );
}

function Apply(props: { draft: Draft; service: Service; step: string; resident: Resident }) {
  const { service } = props;
  const [draft, setDraft] = useState(props.draft);
  const [values, setValues] = useState<Values>(props.draft.values);
  const [errors, setErrors] = useState<FieldError[]>([]);
  const [failed, setFailed] = useState<unknown>();
  const steps = stepsOf(service);
  const at = Math.max(0, steps.findIndex((step) => step.key === props.step));
  const step = steps[at];
  usePage(`${step.title}（${service.name}）`);
  useEffect(() => setErrors([]), [props.step]);
  const to = (place: number) => go(`/apply/${draft.id}/${steps[place].key}`);
  const filling: Filling = { service, values, errors, title: step.title, change: setValues };
  const reload = async () => setDraft((await api.draft(draft.id)).draft);
  const next = async (event: Event) => {
    event.preventDefault();
    setFailed(undefined);
    try {
      await api.save(draft.id, values);
      const found = await api.check(draft.id);
      const here = step.key === "confirm" ? found : found.filter((e) => belongs(e, step));
      setErrors(here);
      if (!here.length) to(at + 1);
    } catch (e) {
      setFailed(e);
    }
  };
  const back = async () => {
    if (step.items) await api.save(draft.id, values).catch(setFailed);
    to(at - 1);
  };
  const goTo = (error: FieldError) => {
    const place = steps.findIndex((one) => belongs(error, one));
    if (place >= 0) to(place);
  };
  return (
    <>
      <p class="crumbs">{service.name}</p>
      <Progress steps={steps} at={at} />
      <Heading>{step.title}</Heading>
      {draft.corrects && (
        <Notice kind="info" title={`受付番号 ${draft.corrects} の訂正です`}>
          <p>添付した書類は、もう一度添付してください。</p>
        </Notice>
      )}
      <Failure error={failed} />
      <ErrorSummary errors={errors} onGo={step.items || step.key === "files" ? undefined : goTo} />
      {step.key === "sign" ? (
        <Sign
          draft={draft}
          resident={props.resident}
          onErrors={(found) => {
            setErrors(found);
          }}
        />
      ) : (
        <form onSubmit={next} noValidate data-items={step.items?.map((i) => i.name).join(" ")}>
          {step.items && (
            <>
              <FromCard items={step.items} resident={props.resident} filling={filling} />
              <StepFields filling={filling} step={step} key={step.key} />
            </>
          )}
          {step.key === "files" && (
            <>
              <p>スマートフォンでは、カメラで撮った写真も添付できます。</p>
              {(service.documents ?? []).map((document) => (
                <DocumentField
                  key={document.id}
                  draft={draft}
                  document={document}
                  error={errors.find((e) => e.path === `documents/${document.id}`)?.message}
                  onChange={reload}
                />
              ))}
            </>
          )}
          {step.key === "confirm" && (
            <Review draft={draft} service={service} values={values} steps={steps} />
          )}
          <div class="actions">
            <Button type="submit">
              {step.key === "confirm" ? "署名に進む" : "次へ"}
            </Button>
            {at > 0 && (
              <Button look="second" onClick={back}>
                前へ
              </Button>
            )}
          </div>
        </form>
      )}
    </>
  );
}

export function ApplyPage(props: { id: string; step: string; resident: Resident }) {
  const { value, error } = useLoaded(() => api.draft(props.id), props.id);
  usePage("入力中の申請が見つかりません", !!error);
  if (!value)
    return error ? <NotThere error={error} title="入力中の申請が見つかりません" /> : <Loading />;
  return <Apply draft={value.draft} service={value.service} step={props.step} resident={props.resident} />;
}
