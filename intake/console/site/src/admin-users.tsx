// 利用者管理: who may use the console, what for, and until when.

import { useState } from "preact/hooks";

import { type Account, type Right, things, type User } from "./admin-api";
import { Done, ProposeForm, RouteSelect, Select } from "./admin-parts";
import { PEOPLE, RIGHTS, rightText } from "./admin-words";
import { post } from "./api";
import { Button, Failure, Field, Heading, useLoaded, useSending } from "./parts";
import { when, who } from "./words";

const today = () => new Date(Date.now() + 9 * 3600000).toISOString().slice(0, 10);

const blank = (): Account => {
  const from = today();
  const year = Number(from.slice(0, 4)) + (from.slice(5) > "03-31" ? 1 : 0);
  return {
    display_name: "",
    department: "",
    kind: "staff",
    valid_from: from,
    valid_to: `${year}-03-31`,
    disabled: false,
    rights: [],
  };
};

function Rights(props: { rights: Right[]; onRights: (rights: Right[]) => void }) {
  const [right, setRight] = useState("see");
  const [business, setBusiness] = useState("*");
  const [department, setDepartment] = useState("*");
  const [until, setUntil] = useState("");
  const add = () => {
    const one = { business, department, right };
    const others = props.rights.filter(
      (old) => rightText({ ...old, until: "" }) !== rightText(one),
    );
    props.onRights([...others, until ? { ...one, until } : one]);
  };
  return (
    <fieldset class="field">
      <legend>権限（事務 × 部署 × 種類）</legend>
      <ul class="rights">
        {props.rights.map((one) => (
          <li>
            {rightText(one)}{" "}
            <button
              type="button"
              class="link"
              aria-label={`${rightText(one)}を外す`}
              onClick={() => props.onRights(props.rights.filter((other) => other !== one))}
            >
              外す
            </button>
          </li>
        ))}
        {!props.rights.length && <li class="help">権限がありません。</li>}
      </ul>
      <div class="line">
        <Select label="種類" name="right" value={right} options={RIGHTS} onValue={setRight} />
        <RouteSelect
          label="事務"
          name="right-business"
          of="business"
          value={business}
          onValue={setBusiness}
        />
        <RouteSelect
          label="部署"
          name="right-department"
          of="department"
          value={department}
          onValue={setDepartment}
        />
        <Field
          label="権限の終了日（なければ空欄）"
          name="right-until"
          type="date"
          required={false}
          value={until}
          onValue={setUntil}
        />
        <Button onClick={add}>権限を加える</Button>
      </div>
    </fieldset>
  );
}

function AccountForm(props: { user?: User; done: (message: string) => void; cancel: () => void }) {
  const [name, setName] = useState(props.user?.subject ?? "");
  const [after, setAfter] = useState<Account>(props.user?.value ?? blank());
  const set = (part: Partial<Account>) => setAfter({ ...after, ...part });
  return (
    <ProposeForm
      title={props.user ? `${props.user.value.display_name}（${name}）の変更` : "利用者の追加"}
      draft={() => ({ kind: "account", subject: name, before: props.user?.value ?? null, after })}
      done={props.done}
      cancel={props.cancel}
    >
      <div class="line">
        {!props.user && (
          <Field
            label="利用者名（英小文字・数字、3〜32文字）"
            name="account-name"
            focus
            value={name}
            onValue={setName}
          />
        )}
        <Field
          label="氏名"
          name="display-name"
          focus={!!props.user}
          value={after.display_name}
          onValue={(display_name) => set({ display_name })}
        />
        <Field
          label="部署"
          name="department"
          value={after.department}
          onValue={(department) => set({ department })}
        />
        <Select
          label="区分"
          name="account-kind"
          value={after.kind}
          options={Object.entries(PEOPLE)}
          onValue={(kind) => set({ kind })}
        />
        <Field
          label="有効期間の開始日"
          name="valid-from"
          type="date"
          value={after.valid_from}
          onValue={(valid_from) => set({ valid_from })}
        />
        <Field
          label="有効期間の終了日"
          name="valid-to"
          type="date"
          value={after.valid_to}
          onValue={(valid_to) => set({ valid_to })}
        />
      </div>
      {props.user && (
        <p>
          <label>
            <input
              type="checkbox"
              checked={after.disabled}
              onChange={(event) => set({ disabled: event.currentTarget.checked })}
            />{" "}
            利用を停止する
          </label>
        </p>
      )}
      <Rights rights={after.rights} onRights={(rights) => set({ rights })} />
    </ProposeForm>
  );
}

function StopForm(props: { user: User; done: (message: string) => void; cancel: () => void }) {
  const [reason, setReason] = useState("");
  const { busy, error, submit } = useSending();
  const stop = () =>
    post<{ message: string }>(`/api/admin/users/${props.user.subject}/stop`, { reason }).then(
      (answer) => props.done(answer.message),
    );
  return (
    <form class="card" onSubmit={submit(stop)}>
      <h2>{props.user.value.display_name}の利用停止</h2>
      <p>すぐにサインアウトさせ、使えなくします。再開には、変更案と別の管理者の確認が要ります。</p>
      <Field label="停止の理由（記録に残ります）" name="reason" focus value={reason} onValue={setReason} />
      <Failure error={error} />
      <p class="buttons">
        <Button look="danger" type="submit" disabled={busy}>
          すぐに利用を停止する
        </Button>
        <Button onClick={props.cancel}>やめる</Button>
      </p>
    </form>
  );
}

function standing(user: User): string {
  const { value } = user;
  if (value.disabled) return "利用停止";
  if (value.valid_to < today()) return "期限切れ";
  if (user.locked_until) return "ロック中";
  if (!user.enrolled) return user.code_until ? "登録待ち" : "未登録";
  return "利用可";
}

type Doing = { what: "add" } | { what: "change" | "stop" | "code" | "unlock"; user: User };

function Work(props: { doing: Doing; done: (message: string) => void; cancel: () => void }) {
  const { doing, ...rest } = props;
  if (doing.what === "add") return <AccountForm {...rest} />;
  if (doing.what === "change") return <AccountForm user={doing.user} {...rest} />;
  if (doing.what === "stop") return <StopForm user={doing.user} {...rest} />;
  const { subject, enrolled } = doing.user;
  const code = doing.what === "code";
  return (
    <ProposeForm
      title={`${doing.user.value.display_name}の${code ? "再登録" : "ロック解除"}`}
      draft={() => ({
        kind: code ? "enrolment" : "unlock",
        subject,
        before: code ? { enrolled } : { locked: true },
        after: code ? { enrolled: false } : { locked: false },
      })}
      {...rest}
    />
  );
}

function Row(props: { user: User; choose: (what: "change" | "stop" | "code" | "unlock") => void }) {
  const { user } = props;
  const { value } = user;
  return (
    <tr>
      <th scope="row">
        {value.display_name}
        <small class="receipt">{user.subject}</small>
      </th>
      <td>{value.department}</td>
      <td>{PEOPLE[value.kind]}</td>
      <td>
        {standing(user)}
        <small class="receipt">{value.valid_to} まで</small>
      </td>
      <td>
        {value.rights.map((right) => (
          <span class="right">{rightText(right)}</span>
        ))}
      </td>
      <td>
        {user.last_session ? when(user.last_session) : "なし"}
        <small class="receipt">
          登録 {who(user.created_by)}・
          {user.approved_by === "first" ? "最初の管理者" : who(user.approved_by)}
        </small>
      </td>
      <td class="buttons">
        <Button onClick={() => props.choose("change")} aria-label={`${value.display_name}を変更する`}>
          変更
        </Button>
        {user.locked_until && <Button onClick={() => props.choose("unlock")}>ロック解除</Button>}
        {!value.disabled && (
          <>
            <Button onClick={() => props.choose("code")} aria-label={`${value.display_name}の再登録`}>
              再登録
            </Button>
            <Button
              look="danger"
              onClick={() => props.choose("stop")}
              aria-label={`${value.display_name}の利用停止`}
            >
              利用停止
            </Button>
          </>
        )}
      </td>
    </tr>
  );
}

export function UsersPage() {
  const { value, error, again } = useLoaded(() => things<User>("users"), "users");
  const [doing, setDoing] = useState<Doing>();
  const [message, setMessage] = useState<string>();
  const done = (text: string) => {
    setDoing(undefined);
    setMessage(text);
    again();
  };
  const items = value?.items ?? [];
  const administrators = items.filter(
    (user) => !user.value.disabled && user.value.rights.some((right) => right.right === "admin"),
  );
  return (
    <>
      <Heading>利用者管理</Heading>
      <Failure error={error} />
      <Done message={message} />
      {doing ? (
        <Work doing={doing} done={done} cancel={() => setDoing(undefined)} />
      ) : (
        <p class="buttons">
          <Button look="main" onClick={() => setDoing({ what: "add" })}>
            利用者を追加する
          </Button>
          <span class="help">
            {items.length}人（うち管理の権限をもつ人 {administrators.length}人）
          </span>
        </p>
      )}
      <table class="list">
        <thead>
          <tr>
            <th scope="col">氏名</th>
            <th scope="col">部署</th>
            <th scope="col">区分</th>
            <th scope="col">状態</th>
            <th scope="col">権限</th>
            <th scope="col">最後の利用</th>
            <th scope="col">操作</th>
          </tr>
        </thead>
        <tbody>
          {items.map((user) => (
            <Row
              user={user}
              key={user.subject}
              choose={(what) => {
                setMessage(undefined);
                setDoing({ what, user });
                scrollTo(0, 0);
              }}
            />
          ))}
        </tbody>
      </table>
    </>
  );
}
