"""What inviters of organisations that are not verified are called: shown as it was, or not at all.

A person's name is theirs to change, and an open invitation shows it: it would be a way to write to
the people who are invited. A person who has changed since the invitation may have another name.
"""

from __future__ import annotations

from alembic import op

revision = "0044_inviters_names"
down_revision = "0043_evidence_seconds"
branch_labels = None
depends_on = None


def _invitation(name: str) -> str:
    return f"""
    create view invitation as
    select
        m.id, m.person_id, m.organisation_id, m.role, m.source, m.created_at, m.expires_at,
        o.name as organisation_name, o.verified as organisation_verified, g.name as group_name,
        {name} as inviter_name
    from membership as m join organisation as o on o.id = m.organisation_id
        left join learning_group as g on g.id = m.group_id
        left join person as p on p.id = m.granted_by_id
    where m.person_id is not null and m.accepted_at is null
        and (m.ends_at is null or m.ends_at > now())
        and (m.expires_at is null or m.expires_at > now())
    """  # noqa: S608  constants


def upgrade() -> None:
    op.execute("drop view if exists invitation")
    op.execute(_invitation("case when o.verified or p.updated_at <= m.created_at then p.name end"))


def downgrade() -> None:
    op.execute("drop view if exists invitation")
    op.execute(_invitation("p.name"))
