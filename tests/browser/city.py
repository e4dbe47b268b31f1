"""The city hall of the browser tests: one stack with a console for all files of a run, and its
people, who sign in when somebody first asks for them."""

from console_staff import enrolment_code, make_account
from staff import PASSWORD, Staff
from stack import CITY, CONSOLE_SITE, Stack
from stacks import new_stack

PROCEDURE = "child-allowance.certification-claim"
BUSINESS, DEPARTMENT = "child-allowance", "子育て支援課"
WELFARE = "welfare"  # where some of it may go instead
CLERK = ("see", "identify", "confirm", "examine", "approve", "number", "print", "export", "reroute")
HERE, ALL = (BUSINESS, DEPARTMENT), ("*", "*")
PEOPLE = {  # display name, department, rights within (事務, 部署)
    "hanako": ("桜野花子", DEPARTMENT, CLERK, HERE),
    "taro": ("若葉太郎", DEPARTMENT, CLERK, HERE),
    "ryoko": ("両方涼子", DEPARTMENT, CLERK, ALL),
    "keiko": ("管野恵子", "情報政策課", ("admin",), ALL),
    "sachiko": ("統括幸子", "情報政策課", ("admin",), ALL),
    "kansa": ("監物査一", "監査委員事務局", ("audit",), ALL),
}
FIRST_PAGES = {"see": "職員の対応を待つ申請", "admin": "確認待ちの変更案", "audit": "監査記録"}
PRINTING = {"proof": "10h", "print": "yes", "print-terminals": "窓口1", "export": "yes", "export-terminals": "窓口1"}
SETTINGS = {
    "work": {"lease": "3s"},
    "console": PRINTING,
    f"destination {WELFARE}": {"name": "福祉保健総合システム", "auth": "mtls"},
    f"route {PROCEDURE}": {"approval": "staff", "business": BUSINESS, "department": DEPARTMENT,
                           "alternatives": WELFARE},
    "route child-allowance.status-report": {
        "destination": WELFARE, "legal-basis": "番号法第9条第1項", "business": WELFARE,
        "department": "福祉課"},
}


def add_terminal(stack):
    stack.uketsuke("terminal", "add", "--label", "窓口1", "--department", DEPARTMENT, "--also", "*",
                   "--address", "127.0.0.1", "--first")


def hall(tmp_path_factory):
    """A console and a town, of whose applications everything is done that machines do."""
    Stack.build_site(CONSOLE_SITE)
    stack = new_stack(tmp_path_factory, settings=SETTINGS)
    try:
        stack.up(server=False, business=False)
        stack.submit_town(stack.make_town("town", "--seed", "5", "--count", "40"))
        for role in ("collect", "examine", "identify", "routing"):
            stack.uketsuke(role, "--once")
        stack.start_console()
        stack.psql(f"INSERT INTO medium VALUES ('{CITY}', 'USB-1', '*', 'USBメモリ 8GB')")
        add_terminal(stack)
        yield stack
    finally:
        stack.stop_all()


class People(dict):
    """{name: Staff}: signed in, with a browser of their own."""

    def __init__(self, stack, shots):
        super().__init__()
        self.stack, self.shots = stack, shots

    def visitor(self):
        """A browser at which nobody has signed in yet."""
        return Staff(self.stack.console_url, self.stack.folder / "pki" / "routing.pem", self.shots)

    def code(self, name, *who):
        """The account's code to begin with; made as `who`, which is as in PEOPLE."""
        make_account(self.stack, name, *who)
        return enrolment_code(self.stack, name)

    def __missing__(self, name):
        self[name] = staff = self.visitor()
        staff.enrol(name, self.code(name, *PEOPLE[name]), PASSWORD)
        staff.heading(FIRST_PAGES[PEOPLE[name][2][0]])
        return staff

    def close(self):
        for staff in self.values():
            staff.close()


# --- what the database says ---------------------------------------------------------------------

def state_of(stack, receipt):
    return stack.psql(f"SELECT state FROM application WHERE receipt_number = '{receipt}'").strip()


def waiting(stack, state):
    """Receipt numbers, what is due first at the top; those that a clerk may see."""
    return stack.psql("SELECT receipt_number FROM application WHERE reason NOT LIKE '%protected%'"
                      f" AND state = '{state}' AND procedure_id = '{PROCEDURE}'"
                      " ORDER BY due_on, applied_at").split()


def acts(stack, receipt, action):
    """How often it was done, by the audit trail."""
    return int(stack.psql(
        "SELECT count(*) FROM audit_entry e JOIN application a ON a.application_id::text ="
        f" e.application_id WHERE a.city_code = '{CITY}' AND a.receipt_number = '{receipt}'"
        f" AND e.action = '{action}'"))


def take_back(stack, receipt):
    """As if nobody had proposed anything: for the next test."""
    stack.psql("DELETE FROM identification_proposal p USING application a WHERE a.application_id ="
               f" p.application_id AND a.receipt_number = '{receipt}'; DELETE FROM claim")
