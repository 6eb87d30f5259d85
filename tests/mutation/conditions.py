"""The conditions of a C file, found by the compiler's own parser: each operand of && and ||
in what an if, a loop, a ?: or an answer of bool asks."""
from dataclasses import dataclass
from glob import glob

from clang import cindex
from clang.cindex import CursorKind, TypeKind

ASKING = {CursorKind.IF_STMT: 0, CursorKind.WHILE_STMT: 0, CursorKind.DO_STMT: 1,
          CursorKind.CONDITIONAL_OPERATOR: 0}
JOINS = ("&&", "||")


@dataclass(frozen=True)
class Condition:
    path: str  # from the project's root
    line: int
    function: str
    start: int  # bytes
    end: int
    text: str

    def name(self):
        """What a list of known ones calls it: lines move, a function's condition seldom does."""
        return f"{self.path}:{self.function}: {self.text}"


def _library():
    found = sorted(glob("/usr/lib/llvm-*/lib/libclang-*.so.1"))
    if not found:
        raise FileNotFoundError("no libclang: Debian's python3-clang brings one")
    return found[-1]


def _operator(node):
    """Of two operands: what stands between them."""
    left, right = node.get_children()
    between = [t.spelling for t in node.get_tokens()
               if left.extent.end.offset <= t.extent.start.offset < right.extent.start.offset]
    return next((t for t in between if t in JOINS), None)


def _operands(node):
    """Of a && (b || c): a, b, c."""
    inner = node
    while inner.kind in (CursorKind.PAREN_EXPR, CursorKind.UNEXPOSED_EXPR):
        children = list(inner.get_children())
        if len(children) != 1:
            break
        inner = children[0]
    if inner.kind == CursorKind.BINARY_OPERATOR and _operator(inner):
        for child in inner.get_children():
            yield from _operands(child)
    else:
        yield node


def _for_condition(node):
    """Of for (a; b; c): b, which stands between the semicolons, or None."""
    semicolons, depth = [], 0
    for t in node.get_tokens():
        depth += {"(": 1, ")": -1}.get(t.spelling, 0)
        if t.spelling == ";" and depth == 1:
            semicolons.append(t.extent.start.offset)
        if len(semicolons) == 2:
            break
    return next((c for c in node.get_children()
                 if semicolons[0] < c.extent.start.offset < semicolons[-1]), None)


def _asked(node):
    """The expression that this node asks, or None."""
    if node.kind == CursorKind.FOR_STMT:
        return _for_condition(node)
    if node.kind == CursorKind.RETURN_STMT:
        children = list(node.get_children())
        if children and children[0].type.get_canonical().kind == TypeKind.BOOL:
            return children[0]
        if children and _joined(children[0]):
            return children[0]
        return None
    if node.kind in ASKING:
        return list(node.get_children())[ASKING[node.kind]]
    return None


def _joined(node):
    return len(list(_operands(node))) > 1


def _answers_false(node):
    """A call of what has no other answer, as a function that notes a refusal: return false."""
    function = node.referenced.get_definition() if node.kind == CursorKind.CALL_EXPR and node.referenced else None
    answers = []

    def visit(inside):
        if inside.kind == CursorKind.RETURN_STMT:
            answers.append([t.spelling for t in inside.get_tokens()][1:2])
        for child in inside.get_children():
            visit(child)

    if function:
        visit(function)
    return bool(answers) and all(a == ["false"] for a in answers)


def conditions(root, path, flags):
    """Of the file at root/path, in their order; flags are the compiler's."""
    if not cindex.Config.loaded:
        cindex.Config.set_library_file(_library())
    unit = cindex.Index.create().parse(str(root / path), args=flags)
    errors = [str(d) for d in unit.diagnostics if d.severity >= cindex.Diagnostic.Error]
    if errors:
        raise ValueError(f"{path}: {errors[0]}")
    source = (root / path).read_bytes()
    found = {}

    def visit(node, function):
        if node.kind == CursorKind.FUNCTION_DECL:
            function = node.spelling
        asked = _asked(node)
        for part in _operands(asked) if asked is not None and function else ():
            start, end = part.extent.start.offset, part.extent.end.offset
            text = b" ".join(source[start:end].split()).decode()
            if end > start and text not in ("0", "1", "true", "false") and not _answers_false(part):
                found[start, end] = Condition(path, part.extent.start.line, function, start, end, text)
        for child in node.get_children():
            visit(child, function)

    for node in unit.cursor.get_children():
        if node.location.file and node.location.file.name == str(root / path):
            visit(node, None)
    return [found[key] for key in sorted(found)]


def rewritten(source, numbered):
    """The source with mutant_condition(number, ...) round each; one may lie within another."""
    marks = []
    for number, c in numbered:
        marks.append((c.start, 1, -c.end, b"mutant_condition(%d, (" % number))
        marks.append((c.end, 0, -c.start, b"))"))
    out, last = [], 0
    for at, _, _, text in sorted(marks):
        out += [source[last:at], text]
        last = at
    return b"".join(out + [source[last:]])
