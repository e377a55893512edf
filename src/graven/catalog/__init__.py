"""What can be asked of a store without reading its objects: SQLite, derived, disposable.

`database` opens it (and makes it anew when in doubt, under `lock`), `freshness` tells whether the
store has moved on, `refresh` reads new packs into it, `measurements` the metric values,
`questions` and `trends` answer. Deleting the file loses nothing.
"""
