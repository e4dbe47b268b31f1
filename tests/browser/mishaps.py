"""What goes wrong between a page and the server."""

# The request arrives and is done; its answer does not come back.
LOSE = """
const real = window.fetch, what = arguments[0];
let lost = false;
window.fetch = async (path, options) => {
  const answer = await real(path, options);
  if (lost || !options || options.method !== 'POST' || !String(path).includes(what)) return answer;
  lost = true;
  await new Promise(done => setTimeout(done, 300));  // as long as a second click may take
  throw new TypeError("lost");
};
"""


def lose_answer(staff, of):
    """Of the next POST to a path with these words."""
    staff.script(LOSE, of)


def move_on(stack, receipt):
    """Something of the application changes that nobody at a screen sees."""
    stack.psql("UPDATE application SET version = version + 1, changed_by = 'role:routing',"
               f" changed_at = now() WHERE receipt_number = '{receipt}'")
