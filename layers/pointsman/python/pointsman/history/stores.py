"""Which store a process uses: a DynamoDB table where the settings name one, else one SQLite file."""

from pointsman.history.base import History
from pointsman.settings import Settings


def open_history(settings: Settings) -> History:
    """The store the settings ask for; what the other one needs is not imported.

    Raises:
        HistoryUnavailable: the file cannot be used. A table is asked for nothing before its first use.
        SettingsError: a table is named and boto3 is not installed.
    """
    if settings.table:
        from pointsman.history.dynamodb import DynamoHistory

        return DynamoHistory(settings.table, settings.retention_days, endpoint=settings.dynamodb_endpoint or None)
    from pointsman.history.sqlite import SqliteHistory

    return SqliteHistory(settings.db, settings.retention_days)
