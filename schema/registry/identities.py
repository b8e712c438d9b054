"""People as single sign-on providers know them, and the users that they are here."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from schema.registry.accounts import ROOT, check_roots_without, company_id_of
from schema.registry.database import Database, insert_if_new
from schema.registry.tables import COMPANIES, IDENTITIES, USERS
from schema.registry.users import User, user_row


@dataclass(frozen=True)
class Identity:
    """A person: ``subject`` is the provider's own id of them, which it gives to nobody else."""

    issuer: str
    subject: str


class Identities(Database):
    """Users by the identity that they log in with: one in each company that it has been granted."""

    async def sign_in(self, identity: Identity, company: str, name: str, role: str) -> User:
        """Return the user of an identity in the company of a name, made if there is none, with this name and role.

        Raises Forbidden if the last root would lose the role.
        """
        company_id = company_id_of(company)
        key = {"issuer": identity.issuer, "subject": identity.subject, "company": company_id}
        same = [IDENTITIES.c[field] == value for field, value in key.items()]
        joined = sa.select(USERS.c.id).join(IDENTITIES, IDENTITIES.c.user == USERS.c.id).where(*same)

        def sign_in(connection: sa.Connection) -> User:
            insert_if_new(connection, COMPANIES, {"id": company_id, "name": company})
            found = connection.execute(joined).scalar()
            user = User(found or secrets.token_hex(16), name, role, company_id, company)
            if found is None:
                connection.execute(sa.delete(IDENTITIES).where(*same))  # of a user who was deleted
                connection.execute(sa.insert(USERS).values(user_row(user) | {"document": {}}))
                connection.execute(sa.insert(IDENTITIES).values(key | {"user": user.id}))
            else:
                if role != ROOT:
                    check_roots_without(connection, found)
                connection.execute(sa.update(USERS).where(USERS.c.id == found).values(user_row(user)))
            return user

        return await self._write(sign_in)
