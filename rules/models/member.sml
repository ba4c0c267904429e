Member: Entity[str] = EntityJson(type="Member", path="$.member.did")
MemberAgeDays: Optional[int] = JsonData(path="$.member.age_days")
MemberTier: Optional[str] = JsonData(path="$.member.tier")
MemberStanding: Optional[str] = JsonData(path="$.member.standing")
