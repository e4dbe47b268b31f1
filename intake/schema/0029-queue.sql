-- The queue of staff is read state by state, each in its order: no list sorts what it does not show.
DROP INDEX application_waiting;
CREATE INDEX application_waiting
    ON application (state, due_on, applied_at, application_id, city_code)
    INCLUDE (reason, procedure_id)
    WHERE state IN ('review', 'unmatched', 'held', 'correction');
