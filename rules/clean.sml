# A long clean record. Asked once a day or more often, with the checks of a domain: the label lapses unless it is renewed,
# and is never taken away for a cause.

Import(
  rules=[
    "models/action.sml",
    "models/bounces.sml",
    "models/complaints.sml",
    "models/member.sml",
    "models/record.sml",
    "settings.sml",
  ],
)

CleanSender = Rule(
  when_all=[
    ActionName == "domain_checked",
    MemberStanding == "good",
    GoodDays >= CleanDays,
    GoodEligible >= CleanRecipients,
    BounceEligible >= CleanRecipients,
    BounceOver5 < CleanOver5,
    Complaints90 == 0,
  ],
  description=f"In good standing for {GoodDaysShown} days, {GoodEligible} recipients in that time, {BounceHard} of the last {BounceEligible} do not exist, and nobody complained in 90 days.",
)

WhenRules(rules_any=[CleanSender], then=[LabelAdd(entity=Member, label="clean-sender", expires_after=TimeDelta(days=7))])
