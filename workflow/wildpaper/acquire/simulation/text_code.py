"""Pieces of program code in several languages, as tables of fenced blocks."""

from functools import cache

from wildpaper.acquire.simulation.text_tables import NUMBER, Table, make_table

_NAMES = ("a", "b", "k", "n", "x", "z", "t1", "v2", "q", "w0", "p_1", "row")

# `@` is a name, `#` a number; both are filled in below.
_SNIPPETS = """\
python
@ = [i * # for i in (1, 2, #)]
print(sum(@) / len(@))
---
python
def f(@):
    if @ > #:
        return @ - #
    return f(@ + 1)
---
python
for @ in range(#):
    print(@ ** 2, @ % #)
---
python
@ = {"a": #, "b": #}
print(max(@, key=@.get))
---
javascript
const @ = [#, #, #];
console.log(@.map(i => i * #));
---
javascript
let @ = 0;
for (let i = 0; i < #; i++) { @ += i; }
console.log(@);
---
sql
SELECT @, COUNT(*) FROM t#
WHERE @ > #
GROUP BY @;
---
sql
UPDATE t# SET @ = @ + 1 WHERE id = #;
---
c
int @ = #;
while (@ > 1) @ /= 2;
printf("%d", @);
---
rust
let @: Vec<u32> = (1..#).collect();
println!("{}", @.len() + #);
---
bash
for i in 1 2 #; do
  echo "$i" >> @.txt
done
---
html
<ul id="@">
  <li>#</li>
  <li>#</li>
</ul>
---
text
TypeError: @ (line #)
---
json
{"@": [#, #], "id": #}
"""

_INLINE = ("`@ = #`", "`f(@, #)`", "`@[#]`", "`print(@)`", "`@ += #`", "`len(@) == #`")


@cache
def code_blocks() -> Table:
    """Return all blocks, fenced as in markdown, with the name of their language."""
    blocks = []
    for snippet in _SNIPPETS.strip().split("\n---\n"):
        for name in _NAMES:
            code = snippet.replace("@", name).replace("#", NUMBER)
            blocks.append(f"```{code}\n```")
    return make_table(blocks)


@cache
def inline_code() -> Table:
    """Return pieces of code that stand within a line."""
    return make_table(
        piece.replace("@", name).replace("#", NUMBER) for piece in _INLINE for name in _NAMES
    )
