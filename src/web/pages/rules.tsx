import { Badge, Card, EmptyState, KeyValue, Section, Time } from "../components.tsx";
import type { PublicRule, RuleAsks, RulesView } from "../rules-view.ts";
import { EVENT_WORDS, formatCount, STANDING_WORDS } from "../words.ts";
import { STANDINGS } from "../../policy/index.ts";

/** Public: the rules in force, in words. It names no member. */
export function RulesPage({ view }: { view: RulesView }) {
  const acting = view.rules.filter((rule) => !rule.shadow);
  const shadow = view.rules.filter((rule) => rule.shadow);
  return (
    <>
      <div class="page-head">
        <h1>The rules in force</h1>
        <p class="lede">
          The same for every member. Each says what it looks at, the numbers that decide, what follows and the
          way back. Who it concerns sees the rule and its own numbers; nobody else does.
        </p>
        <p class="soft small">
          In force since <Time at={view.since} />, as version <code>{view.hash.slice(0, 12)}</code>. Counted
          over {view.days} days until <Time at={view.asOf} />.
        </p>
      </div>
      <Section
        id="rules"
        title={`${formatCount(acting.length)} rules that act`}
        intro="A rule speaks when everything that it asks for holds. One bad day in a small month is chance, so a rate counts with how sure one can be of it."
      >
        {acting.length === 0 ? <EmptyState title="No rule is in force" /> : acting.map(ruleCard(view.days))}
      </Section>
      {shadow.length === 0 ? null : (
        <Section
          id="shadow"
          title="In shadow"
          intro="Judged and recorded, without effect: so members see what a rule would cost before they choose it."
        >
          {shadow.map(ruleCard(view.days))}
        </Section>
      )}
      <Section
        id="ladder"
        title="What a standing means"
        intro="Rules move a member along this ladder, and a person of the committee can take back what they did."
      >
        <KeyValue items={STANDINGS.map((rung) => [STANDING_WORDS[rung].name, STANDING_WORDS[rung].effect])} />
      </Section>
    </>
  );
}

const ruleCard = (days: number) => (rule: PublicRule) => (
  <Card id={rule.name}>
    <h3>{rule.title}</h3>
    <p class="soft small">
      <code>{rule.name}</code> {rule.shadow ? <Badge tone="idle">in shadow</Badge> : null}
    </p>
    <KeyValue
      items={[
        ["Looks at", rule.looksAt.map((action) => EVENT_WORDS[action]?.name ?? action).join(", ")],
        [
          "Asks for",
          <ul>
            {rule.asks.map((asked) => (
              <li>
                <Asked {...asked} />
              </li>
            ))}
          </ul>,
        ],
        ["What follows", rule.consequence],
        ["The way back", rule.wayBack],
        [
          `In ${days} days`,
          rule.fired === 0 ? (
            "It has not spoken."
          ) : (
            <>
              It has spoken {rule.fired === 1 ? "once" : `${formatCount(rule.fired)} times`} in the whole pool
              {rule.lastAt === null ? null : (
                <>
                  , last on <Time at={rule.lastAt} dateOnly />
                </>
              )}
              .
            </>
          ),
        ],
      ]}
    />
  </Card>
);

function Asked({ words, number, why }: RuleAsks) {
  return (
    <>
      {words}
      {number === null ? null : (
        <>
          : <strong>{number}</strong>
        </>
      )}
      {why === "" ? null : <span class="soft small"> {why}</span>}
    </>
  );
}
