"""What was judged can be judged again from what is stored, with the verdict of the day."""

import json
import time

CODES = {"accepted": 0, "refused": 1, "held": 2}


def again(stack, receipt, *options):
    return stack.uketsuke("verify", "--stored", receipt, *options, check=False)


def verdicts(stack):
    rows = stack.psql("SELECT concat_ws('|', a.receipt_number, e.verdict, coalesce(e.reason, ''))"
                      " FROM examination e"
                      " JOIN application a USING (city_code, application_id)").splitlines()
    return {receipt: (verdict, reason) for receipt, verdict, reason in
            (row.split("|") for row in rows)}


def test_the_verdict_of_the_day(make_stack):
    stack = make_stack()
    stack.up(server=False)
    folder = stack.make_town("town", "--seed", "7", "--count", "40", "--kinds", "all")
    stack.submit_town(folder)
    assert stack.uketsuke("collect", "--once").returncode == 0
    assert stack.uketsuke("examine", "--once").returncode == 0
    found = verdicts(stack)
    assert {verdict for verdict, _ in found.values()} >= {"accepted", "refused"}
    time.sleep(1.1)
    for receipt, (verdict, reason) in found.items():
        done = again(stack, receipt, "--json")
        assert done.returncode == CODES[verdict], done.stdout + done.stderr
        said = json.loads(done.stdout)
        assert said["then"] == said["now"] == {"verdict": verdict, "reason": reason}
        assert said["same_report"] and said["differences"] == [], said["differences"]
    views = stack.psql("SELECT count(*) FROM audit_entry WHERE action = 'application.view'"
                       " AND chain = 'examine' AND actor LIKE 'operator:%'")
    assert int(views) == len(found)
    assert stack.uketsuke("audit", "verify").returncode == 0


def test_what_has_changed_is_said(make_stack):
    stack = make_stack()
    stack.up(server=False)
    folder = stack.make_town("town", "--seed", "3", "--count", "1", "--kinds", "good")
    stack.submit_town(folder)
    assert stack.uketsuke("collect", "--once").returncode == 0
    assert stack.uketsuke("examine", "--once").returncode == 0
    (receipt,) = verdicts(stack)
    assert "byte for byte" in again(stack, receipt).stdout
    text = stack.config.read_text()
    stack.config.write_text(text.replace("policies =", "policies = 1.2.3.4"))
    done = again(stack, receipt)
    assert done.returncode == 0 and "byte for byte" in done.stdout
    assert "not as it was: the policy 1.2.3.4 was not accepted" in done.stdout
    stack.config.write_text(text)

    done = again(stack, "20261121-99999999")
    assert done.returncode == 3 and "no application of this receipt number" in done.stderr
    stack.psql("UPDATE examination SET evidence = NULL")
    done = again(stack, receipt)
    assert done.returncode == 3 and "before any was kept" in done.stderr
