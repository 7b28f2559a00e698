-- Rows of an archive, drawn from b_callers, b_agents, b_stories and b_lines; :count recordings, :spoken of them with words.
SELECT setseed(0.5);

-- One row for each call: the newest has the number 1; three years whatever their number.
CREATE UNLOGGED TABLE b_calls AS
SELECT n, gen_random_uuid() AS call_id, gen_random_uuid() AS recording_id, gen_random_uuid() AS ticket_id,
    now() - interval '1 minute' - (n - random()) * interval '1095 days' / :count AS at,
    floor(power(random(), 2) * (SELECT count(*) FROM b_callers))::int AS caller,
    floor(power(random(), 1.5) * 60)::int AS agent,
    floor(random() * (SELECT count(*) FROM b_stories))::int AS story,
    exp(3 + 1.6 * random() + 1.5 * random() + 5 * power(random(), 30))::float AS seconds,
    random() < 0.03 AS message, random() < 0.004 AS half, floor(random() * 5000)::int AS name
FROM generate_series(1, :count) n;
ANALYZE b_calls;

INSERT INTO calls (id, node, linkedid, direction, caller, agent_id, agent_name, arrived_at, answered_at, connected_at,
    ended_at, outcome, evidence, announced, changed_at)
SELECT call_id, 'bench', b_calls.n::text, 'in', sealed, b_agents.id, users.name, at, at, at,
    at + seconds * interval '1 second', 'answered', '{}', '{}', at
FROM b_calls JOIN b_callers ON b_callers.n = caller JOIN b_agents ON b_agents.n = agent
    JOIN users ON users.id = b_agents.id;

INSERT INTO recordings (id, call_id, node, linkedid, kind, part, started_at, offset_s, seconds, channels, digest, sm3,
    store_key, size, protected_until, state, catalogued_at, transcribed_at, indexed_at)
SELECT recording_id, call_id, 'bench', n::text, CASE WHEN message THEN 'message' ELSE 'talk' END, 1, at, 0, seconds, 2,
    md5(n::text) || md5(n::text), '', n::text, 100000, at + interval '3 years',
    CASE WHEN half THEN 'partial' ELSE 'stored' END, at, at, now()
FROM b_calls ORDER BY at;

INSERT INTO tickets (id, number, query_code, query_failures, state, version, source, call_id, caller_phone, anonymous,
    confidential, sealed, category, matter, title, content, address, occurred, proposals, accepted, report_count,
    opened_at, updated_at, state_since, provisional, hard, extension_pending, extensions, returns, supervision_level,
    lead_unit_id)
SELECT ticket_id,
    'YY' || to_char(at, 'YYYYMMDD') || '-' || lpad((row_number() OVER (PARTITION BY at::date ORDER BY at))::text, 5, '0'),
    '123456', 0, 'archived', 1, 'phone', call_id, sealed, false, false, category = 'report', category, matter, title,
    title, '', '', '{}', '{"title": {}}', 1, at, at, at, false, false, false, 0, 0, 0, unit
FROM b_calls JOIN b_callers ON b_callers.n = caller JOIN b_stories ON b_stories.n = story;

INSERT INTO assignments (id, ticket_id, round_id, unit_id, role, stage, basis, dispatched_at, sign_due_at, due_at)
SELECT gen_random_uuid(), ticket_id, gen_random_uuid(), unit, 'lead', 'done', '', at, at, at
FROM b_calls JOIN b_stories ON b_stories.n = story;

-- What is said in a call: its story, its caller's name, and about half of what is said in all of them.
CREATE UNLOGGED TABLE b_said AS
SELECT one.n, said, row_number() OVER (PARTITION BY one.n ORDER BY hashint4(said * 7919 + one.n)) AS place
FROM (
    SELECT b_calls.n, b_lines.n AS said FROM b_calls JOIN b_lines USING (story) WHERE b_calls.n <= :spoken
    UNION ALL
    SELECT b_calls.n, b_lines.n FROM b_calls JOIN b_lines ON b_lines.story = -2 - name WHERE b_calls.n <= :spoken
    UNION ALL
    SELECT b_calls.n, b_lines.n FROM b_calls JOIN b_lines ON b_lines.story = -1
        AND (hashint4(b_lines.n * 31 + b_calls.n) & 1) = 0 WHERE b_calls.n <= :spoken
) one;
ANALYZE b_said;

INSERT INTO transcript_segments (id, call_id, recording_id, side, start_s, end_s, text, words, source)
SELECT gen_random_uuid(), call_id, recording_id, CASE WHEN place % 2 = 0 THEN 'other' ELSE 'citizen' END, place * 5,
    place * 5 + 4, text, words, 'batch'
FROM b_said JOIN b_calls USING (n) JOIN b_lines ON b_lines.n = said ORDER BY b_calls.n DESC, place;

INSERT INTO recording_words (recording_id, started_at, words)
SELECT recording_id, at, array_to_tsvector(string_to_array(concat_ws(' ',
    'k/' || CASE WHEN message THEN 'message' ELSE 'talk' END, 's/' || CASE WHEN half THEN 'partial' ELSE 'stored' END,
    'l/' || floor(2 * log(2, greatest(seconds, 1)::numeric))::int,
    'd/' || floor(extract(epoch FROM at) / 86400)::int, 'b/' || floor(extract(epoch FROM at) / 86400 / 16)::int,
    'g/' || b_agents.id, 'u/' || unit, b_stories.kept, spoken.kept), ' '))
FROM b_calls JOIN b_stories ON b_stories.n = story JOIN b_agents ON b_agents.n = agent
    LEFT JOIN (
        SELECT b_said.n, string_agg(kept, ' ') AS kept FROM b_said JOIN b_lines ON b_lines.n = said GROUP BY b_said.n
    ) spoken ON spoken.n = b_calls.n
ORDER BY at;

DROP TABLE b_said, b_lines, b_stories, b_calls, b_agents, b_callers;
