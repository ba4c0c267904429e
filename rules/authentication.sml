# A domain's own records: who may send for it, and with which key. Only its owner can mend them.

Import(
  rules=[
    "models/action.sml",
    "models/authentication.sml",
    "models/member.sml",
    "settings.sml",
  ],
)

AuthenticationBroken = Rule(
  when_all=[
    ActionName == "domain_checked",
    ChecksFailed >= AuthenticationFailures,
    ChecksFailedHours >= AuthenticationHours,
  ],
  description=f"The records of {DomainName} failed {ChecksFailed} checks in a row, over {ChecksFailedHoursShown} hours, each with an answer from the DNS. Mail of this domain waits until a check passes, and then leaves by itself. What is wrong: {CheckRecord}. What to publish: {CheckFix}",
)

AuthenticationRestored = Rule(
  when_all=[
    ActionName == "domain_checked",
    ChecksFailed == 0,
    ChecksFailedBefore >= AuthenticationFailures,
    ChecksPassedHours <= AuthenticationRestoredHours,
  ],
  description=f"The records of {DomainName} pass their check again, after {ChecksFailedBefore} that failed. What waited leaves.",
)

WhenRules(rules_any=[AuthenticationBroken], then=[LabelAdd(entity=Domain, label="authentication-broken")])
WhenRules(
  rules_any=[AuthenticationRestored],
  then=[
    LabelRemove(entity=Domain, label="authentication-broken"),
    LabelAdd(entity=Domain, label="authentication-restored"),
  ],
)
