-- What the annual report counts (intake/annual.h): which applications can still be read, and what left the
-- house. Not why, nor to whom: that stays in 授受簿.
GRANT SELECT (city_code, application_id) ON application_key TO uketsuke_operator;
GRANT SELECT (city_code, output_id, kind, asked_by, asked_at, terminal, with_numbers, many, medium, approved_by,
    approved_at, until, fetches, fetched_at, disposed_by, disposed_at) ON output TO uketsuke_operator;
