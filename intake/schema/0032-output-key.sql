-- The key that a page gave to what it asked for: asked again, it is the same entry of the book.
ALTER TABLE output ADD COLUMN key uuid;
CREATE UNIQUE INDEX output_key ON output (key, asked_by, city_code) WHERE key IS NOT NULL;
