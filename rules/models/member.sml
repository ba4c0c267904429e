# Whose event it is. `Credential` and `Domain` are absent where the event names none: what is said of them is dropped then.

Member: Entity[str] = EntityJson(type="Member", path="$.member.did")
Domain: Entity[str] = EntityJson(type="Domain", path="$.member.domain", required=False)
Credential: Entity[str] = EntityJson(type="Credential", path="$.credential", required=False)

_standing: Optional[str] = JsonData(path="$.member.standing")
_age_days: Optional[int] = JsonData(path="$.member.age_days")

# A missing standing is no standing in which anything is lifted or confirmed.
MemberStanding = ResolveOptional(optional_value=_standing, default_value="unknown")
MemberAgeDays = ResolveOptional(optional_value=_age_days, default_value=0)
