# Every number that a rule compares with, and why it is this one. A change here is a decision of the members.
# What each costs honest members, and how fast it finds others, is measured: docs/rules-measured.md.

# BOUNCES

# Bounces that count against a member: nobody is there. Blocks and policy refusals are the pool's affair.
BouncesThatCount: ExtractLiteral[List[str]] = ["bad-domain", "bad-mailbox"]

# Warning: how sure we are that more than 5 % of the recipients do not exist. 5 % is where large services begin to ask
# questions; 0.99 because the question is asked anew after every bounce, for years.
BounceWarningCertainty: ExtractLiteral[float] = 0.99
# And so many different ones: five mistyped addresses are no chance, and a single dead one that is tried daily is no list.
BounceWarningRecipients: ExtractLiteral[int] = 5

# Probation: the same for more than 10 %, at which large services stop sending. The line itself is far above what any
# honest member has, so less certainty is asked, and more recipients.
BounceProbationCertainty: ExtractLiteral[float] = 0.95
BounceProbationRecipients: ExtractLiteral[int] = 10

# In shadow: a warning that would come sooner. What it would have done is recorded, and has no effect.
BounceEarlyCertainty: ExtractLiteral[float] = 0.95

# COMPLAINTS

# Probation: how sure we are that more than 0.1 % complain, in 30 days, which is what Gmail and Yahoo ask senders to stay
# under. Three people, because two in a small month are chance.
ComplaintProbationCertainty: ExtractLiteral[float] = 0.95
ComplaintProbationPeople: ExtractLiteral[int] = 3

# Burst: people who complain about mail of one credential in 24 hours, and how sure we are that it is no busy day.
ComplaintBurstPeople: ExtractLiteral[int] = 3
ComplaintBurstCertainty: ExtractLiteral[float] = 0.95

# Gmail's line is 0.3 %: a mean above it, on three days of a week or more, is no chance. On fewer days it is told, and no more.
ProviderSpamRateLine: ExtractLiteral[float] = 0.003
ProviderDaysNeeded: ExtractLiteral[int] = 3

# WHAT THE BREAKER STOPPED

# Standings in which a pause is judged at all. Who is suspended already waits for the committee.
StandingsJudged: ExtractLiteral[List[str]] = ["good", "probation", "warned"]

# Confirmed, by dead addresses: half of the last 20 first contacts. Of a bought list a tenth to a third is dead, of honest
# sign-ups a tenth at worst; so this speaks seldom, and the pause, which stands without it, is what protects.
BreakerConfirmDead: ExtractLiteral[int] = 10
# In its first week every text of a member is new, and strangers can type dead addresses into its form.
BreakerConfirmAgeDays: ExtractLiteral[int] = 7
# Confirmed, by people: so many called this very mail spam, or one did and as many addresses were dead as stop a credential;
# and always at least this share of all whom the mail was meant for, or three of 5,000 readers of a letter would be enough.
BreakerConfirmPeople: ExtractLiteral[int] = 3
BreakerConfirmDeadWithPeople: ExtractLiteral[int] = 5
BreakerConfirmComplaintShare: ExtractLiteral[float] = 0.003

# Lifted, since the texts are known: as many deliveries as make one known to a relay node, all a day before the pause.
BreakerLiftDeliveries: ExtractLiteral[int] = 20
# And a quarter of the people known: a server's usual mail has its users among it, a bought list has not.
BreakerLiftTextKnownShare: ExtractLiteral[float] = 0.25
# Lifted, since the people are known: of 20 or more, nine in ten, and so few others that they alone would stop nothing.
BreakerLiftRecipients: ExtractLiteral[int] = 20
BreakerLiftKnownShare: ExtractLiteral[float] = 0.9
BreakerLiftStrangers: ExtractLiteral[int] = 10
# Not with this many dead first contacts: five stop a credential, so four are none of its business. Where the breaker stopped
# for dead addresses it needs five by itself; there half of the last 20 is too many, as for a confirmation.
BreakerLiftDeadBelow: ExtractLiteral[int] = 5
BreakerLiftDeadBelowFirstContact: ExtractLiteral[int] = 10
# Not on a day that is so many times the member's usual one: whoever has a credential can also send its owner's text.
BreakerLiftHabit: ExtractLiteral[float] = 5.0

# RECORDS OF A DOMAIN

# Failed checks in a row, and the hours between the first and the last: what is being changed is not broken.
AuthenticationFailures: ExtractLiteral[int] = 2
AuthenticationHours: ExtractLiteral[float] = 1.0
# For so long a passed check says that the domain is released: a verdict that was lost comes again.
AuthenticationRestoredHours: ExtractLiteral[float] = 48.0

# CLEAN SENDERS

CleanDays: ExtractLiteral[float] = 30.0
CleanRecipients: ExtractLiteral[int] = 50
# The other side of the warning: how unsure one may be that the rate is above 5 %.
CleanOver5: ExtractLiteral[float] = 0.05
