import { ChannelRules } from '../../src/presence/channel-rules';
import type { Scenario } from './scenario';

/** The default channel, as the stores name it. */
export const DEFAULT_CHANNEL = '';

/** Names at the edges of what is valid: a property of every object, a session id, and the longest name. */
const EDGE_NAMES = ['constructor', '00000000-0000-4000-8000-000000000000', 'x'.repeat(64)];

/** The named channels of a world. */
export function channelNames({ channels }: Pick<Scenario, 'channels'>): readonly string[] {
  return Array.from({ length: channels }, (_, index) => EDGE_NAMES[index] ?? `c${index + 1}`);
}

/** The named channels that count towards the maximum. */
export function cappedChannels(scenario: Scenario): readonly string[] {
  return channelNames(scenario).slice(scenario.channelsListed);
}

/** The channels whose new sessions the service may refuse. There are none if the maximum is enough for all. */
export function refusableChannels(scenario: Scenario): ReadonlySet<string> {
  const capped = cappedChannels(scenario);
  return new Set(capped.length > scenario.channelsMax ? capped : []);
}

/** The setting of the service: the listed names, and any other name up to the maximum. */
export function rulesOf(scenario: Scenario): ChannelRules {
  const listed = channelNames(scenario).slice(0, scenario.channelsListed);
  return new ChannelRules(listed, [''], scenario.channelsMax);
}
