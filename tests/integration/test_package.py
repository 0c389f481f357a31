"""ingest/web as an npm package: packed, installed elsewhere, imported in Node,
built by Vite; and the code of docs/frontend.md against its types."""

import re
import subprocess
from pathlib import Path

import pytest
from support.npm import WEB, install

DOCS = WEB.parents[1] / "docs"
DEMO = DOCS / "demo"
BLOCKS = re.findall(r"^```(jsx?|tsx?)\n(.*?)^```", (DOCS / "frontend.md").read_text(), re.M | re.S)

# What the examples leave to the shop.
SHOP = """
declare const tracker: import('clickspool').Tracker;
declare const getToken: import('clickspool').GetToken;
declare const banner: { onAccept: () => void; onReject: () => void };
declare const input: HTMLInputElement, bar: HTMLProgressElement;
declare const controller: AbortController;
declare const Shop: () => null;
declare module 'https://in.shop.example/e.js' { export * from 'clickspool'; }
declare module 'aws-amplify/auth' {
  type Token = { toString(): string };
  export const fetchAuthSession: (options: { forceRefresh?: boolean }) =>
    Promise<{ tokens?: { idToken?: Token; accessToken: Token } }>;
}
declare module 'aws-amplify/utils' {
  export const Hub: {
    listen: (channel: 'auth', heard: (told: { payload: { event: string } }) => void) => void;
  };
}
"""

TYPED = """
import { createTracker, type ClickEvent, type Options, type Problem } from 'clickspool';
import { uploadImage, type Uploaded, type UploadError } from 'clickspool/upload';
import { Clickspool, useTracker, useTrackOnce } from 'clickspool/react';

const problems: Problem[] = [];
const options: Options = {
  consent: 'denied',
  getToken: async ({ forceRefresh } = {}) => (forceRefresh ? null : 'a.b.c'),
  transform: (event: ClickEvent) => (event.props ? event : null),
  onError: (problem) => void problems.push(problem),
};
const tracker = createTracker(options);
tracker.addToCart({ productId: 1, price: '9.90' }, 2);
// @ts-expect-error a sale has an order
tracker.checkoutComplete({ value: 1 });
// @ts-expect-error there is no such answer of a visitor
tracker.consent('maybe');
export const image = (file: File): Promise<Uploaded | UploadError> =>
  uploadImage(file).catch((error: UploadError) => error);
export { Clickspool, useTracker, useTrackOnce };
"""


def run(folder: Path, *command: object) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop's, with the package and React."""
    install(WEB)
    folder = tmp_path_factory.mktemp("shop")
    run(folder, "npm", "pack", "--silent", WEB)
    (packed,) = folder.glob("clickspool-*.tgz")
    (folder / "package.json").write_text('{"name": "shop", "private": true, "type": "module"}')
    run(folder, "npm", "install", "--offline", "--no-audit", "--no-fund", packed)
    for name in ("react", "react-dom", "scheduler", "@types", "csstype"):
        if (WEB / "node_modules" / name).exists():
            (folder / "node_modules" / name).symlink_to(WEB / "node_modules" / name)
    return folder


def test_it_holds_sources_and_types_and_nothing_else(project: Path) -> None:
    package = project / "node_modules" / "clickspool"
    names = {path.name for path in package.iterdir()}
    sources = {path.name for path in WEB.glob("*.js")} | {path.name for path in WEB.glob("*.d.ts")}
    assert names == sources | {"package.json"}


def test_node_imports_each_entry_and_nothing_happens(project: Path) -> None:
    script = """
        const { createTracker } = await import('clickspool');
        const { uploadImage } = await import('clickspool/upload');
        const { Clickspool, useTracker, useTrackOnce } = await import('clickspool/react');
        const { createElement } = await import('react');
        const { renderToString } = await import('react-dom/server');
        const Page = () => (useTracker().page(), useTrackOnce('page_view'), 'page');
        console.log(typeof uploadImage, JSON.stringify(createTracker().stats()));
        console.log(renderToString(createElement(Clickspool, {}, createElement(Page))));
    """
    told = run(project, "node", "--input-type=module", "--eval", script)
    stats = '{"sent":0,"refused":0,"dropped":0,"queued":0}'
    assert told == f"function {stats}\npage\n"


def test_vite_builds_a_shop_with_it(project: Path) -> None:
    install(DEMO)
    (project / "index.html").write_text('<script type="module" src="/main.js"></script>')
    (project / "main.js").write_text(
        "import { createTracker } from 'clickspool';\n"
        "import { uploadImage } from 'clickspool/upload';\n"
        "import { Clickspool } from 'clickspool/react';\n"
        "Object.assign(window, { createTracker, uploadImage, Clickspool });\n"
    )
    run(project, "node", DEMO / "node_modules" / "vite" / "bin" / "vite.js", "build")
    (bundle,) = (project / "dist" / "assets").glob("*.js")
    built = bundle.read_text()
    assert built.count("checkout_complete") == 2  # one tracker, whoever imports it
    assert "/uploads/presign" in built


def check_types(project: Path, resolution: str, *files: Path) -> None:
    run(
        project,
        WEB / "node_modules" / ".bin" / "tsc",
        "--noEmit", "--allowJs", "--checkJs", "--jsx", "react-jsx", "--skipLibCheck", "false",
        "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--types", "react",
        "--module", "node16" if resolution == "node16" else "esnext",
        "--moduleResolution", resolution, *files,
    )  # fmt: skip


@pytest.mark.parametrize("resolution", ["bundler", "node16"])
def test_its_types_hold_for_who_imports_it(project: Path, resolution: str) -> None:
    file = project / "typed.ts"
    file.write_text(TYPED)
    check_types(project, resolution, file)


def test_the_manuals_code_holds_against_the_types(project: Path) -> None:
    shop = project / "shop.d.ts"
    shop.write_text(SHOP)
    files = []
    for number, (language, code) in enumerate(BLOCKS):
        file = project / f"block{number}.{language}"
        file.write_text(code.replace("'/e.js'", "'clickspool'") + "\nexport {};\n")
        files.append(file)
    assert len(files) >= 7
    check_types(project, "bundler", shop, *files)
