/** The page's style. The policy in its head names this text by its hash, and allows nothing else. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --line: #d1d9e0; --head: #f3f5f7; --link: #0550ae;
  --good: #116329; --good-paper: #e3f6e8; --bad: #a40e26; --bad-paper: #ffebe9; --none-paper: #f3f5f7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0d1117; --ink: #e6edf3; --quiet: #9aa4af; --line: #3d444d; --head: #161b22; --link: #79b8ff;
    --good: #7ee2a0; --good-paper: #10301c; --bad: #ff9f9a; --bad-paper: #3c1618; --none-paper: #161b22;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 2rem 3rem; max-width: 84rem; background: var(--paper); color: var(--ink);
  font: 16px/1.45 system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.25rem; }
p { margin: .25rem 0 .75rem; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.quiet { color: var(--quiet); }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; }
.figures div { padding: .5rem .9rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--head); }
.figures dt { color: var(--quiet); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-weight: 600; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 0; padding: 0; list-style: none; }
.scroll { max-height: 85vh; overflow: auto; border: 1px solid var(--line); border-radius: .5rem; }
table { width: 100%; border-collapse: separate; border-spacing: 0; font-size: .92rem; }
caption { padding: .5rem .75rem; text-align: left; color: var(--quiet); }
th, td { padding: .35rem .55rem; border-top: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--head); vertical-align: bottom; overflow-wrap: normal; }
tbody th { font-weight: 500; background: var(--paper); }
.matrix tbody th, .matrix thead th:first-child { position: sticky; left: 0; z-index: 1; min-width: 9rem; }
.matrix thead th:first-child { z-index: 3; }
.matrix td, .matrix thead th:not(:first-child) { text-align: center; min-width: 2.4rem; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
thead th.number { text-align: right; }
.time { white-space: nowrap; }
.passed { color: var(--good); background: var(--good-paper); }
.failed { color: var(--bad); background: var(--bad-paper); }
.none { color: var(--quiet); background: var(--none-paper); }
.late { color: var(--bad); }
.words { min-width: 20rem; }
.got { min-width: 9rem; }
meter { display: block; width: 8rem; height: .8rem; }
details { margin: .75rem 0; }
summary { cursor: pointer; color: var(--link); }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.list { columns: 2 26rem; margin: .5rem 0 1rem; padding-left: 2rem; font-size: .92rem; }
@media (max-width: 40rem) { body { padding: 1rem; } }
@media print { .scroll { max-height: none; overflow: visible; border: 0; } thead th, tbody th { position: static !important; } }
`;
