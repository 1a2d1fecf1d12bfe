"""The database: connections, transactions, migrations, and the server a laptop runs itself."""
