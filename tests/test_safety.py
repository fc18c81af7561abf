"""Nothing that comes from a file is unpickled or executed: read off the source of the package itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "hypotest"
SOURCES = sorted(PACKAGE.rglob("*.py"))

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "yaml", "runpy", "code", "pdb"}
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
METHODS = {"read_pickle", "to_pickle", "unsafe_load", "full_load", "import_module"}
STARTS = ("exec", "spawn", "eval", "system", "popen")
REQUIRED = {
    ("np", "load"): ("allow_pickle", False),
    ("np", "save"): ("allow_pickle", False),
    ("torch", "load"): ("weights_only", True),
}


def unsafe(source: str) -> Iterator[str]:
    """What in a source could execute or unpickle data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = getattr(node, "module", None)
            names = [module] if module else [alias.name for alias in node.names]
            yield from (f"imports {name}" for name in names if name.split(".")[0] in MODULES)
            if module == "joblib":
                yield from (f"imports {item.name}" for item in node.names if item.name in ("load", "dump"))
        elif isinstance(node, ast.Call):
            yield from _unsafe_call(node)
        elif isinstance(node, ast.keyword | ast.Dict):
            yield from _unsafe_setting(node)


def _unsafe_call(node: ast.Call) -> Iterator[str]:
    settings = {item.arg: ast.unparse(item.value) for item in node.keywords}
    if isinstance(node.func, ast.Name) and node.func.id in CALLS:
        yield f"calls {node.func.id}"
    if isinstance(node.func, ast.Attribute):
        owner, method = ast.unparse(node.func.value), node.func.attr
        # re.compile is not the built-in one
        if method in METHODS or (owner in ("os", "builtins") and method.startswith(STARTS)):
            yield f"calls {owner}.{method}"
        if (owner, method) in REQUIRED:
            key, value = REQUIRED[owner, method]
            if settings.get(key) != str(value):
                yield f"calls {owner}.{method} without {key}={value}"
        if method == "YAML" or (owner.endswith("YAML") and method == "load"):
            yield f"calls {owner}.{method}"
    if (
        isinstance(node.func, ast.Name)
        and node.func.id == "YAML"
        and settings.get("typ")
        not in (
            "'safe'",
            "'rt'",  # of round trips: comments stay, and no objects are made either
        )
    ):
        yield "makes a YAML reader that is not safe"
    if settings.get("shell") == "True":
        yield "starts a shell"


def _unsafe_setting(node: ast.keyword | ast.Dict) -> Iterator[str]:
    pairs = [(node.arg, node.value)] if isinstance(node, ast.keyword) else []
    if isinstance(node, ast.Dict):
        pairs = [(key.value, value) for key, value in zip(node.keys, node.values, strict=True)
                 if isinstance(key, ast.Constant)]  # fmt: skip
    for name, value in pairs:
        if name in ("allow_pickle", "trust_remote_code") and ast.unparse(value) != "False":
            yield f"sets {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_is_unpickled_or_executed(path):
    assert list(unsafe(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import yaml", "eval('1')", "exec(x)", "np.load(f)",
        "np.load(f, allow_pickle=True)", "torch.load(f)", "torch.load(f, weights_only=False)",
        "YAML(typ='unsafe')", "YAML()", "f(trust_remote_code=True)", "f(**{'trust_remote_code': flag})",
        "os.system('x')", "subprocess.run('x', shell=True)", "pd.read_pickle(f)", "from joblib import load",
        "os.execv('x', [])",
    ],
)  # fmt: skip
def test_what_is_looked_for_is_found(source):
    assert list(unsafe(source))


def test_models_are_loaded_without_code_and_without_pickles():
    folder = PACKAGE / "subjects"
    sources = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.py")
    }
    calls = [
        ast.unparse(node)
        for source in sources.values()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
    ]
    loads = [call for call in calls if re.match(r"[\w.]+(\(\w+\))?\.from_pretrained\(", call)]
    assert len(loads) == 6
    assert all("**source.options" in call or "**SAFE" in call for call in loads)
    (defined,) = (source for source in sources.values() if "SAFE: Mapping" in source)
    assert 'SAFE: Mapping[str, Any] = {"trust_remote_code": False}' in defined
    assert "dict(SAFE)" in sources["loading/sources.py"] and "{**SAFE," in sources["loading/sources.py"]
    assert sources["loading/loading.py"].count("weights_only=True") == 2  # the call and the reason
