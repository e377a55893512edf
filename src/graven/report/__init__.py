"""Reports: what a store says, laid out for people. Works on values; asks no store.

`model` is what a report holds, `graven.porcelain.report` gathers it, and there is one module
for each form: `html`, `markdown`, `tables` (csv), `workbook` (xlsx), `plot`.
"""
