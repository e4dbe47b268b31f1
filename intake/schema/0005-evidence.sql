-- What the verdict rested on (docs/formats/evidence.md), so that it can be examined again. Sealed:
-- an OCSP response names a serial number. Absent with what was examined before there was any.
ALTER TABLE examination ADD COLUMN evidence bytea;
ALTER TABLE examination ALTER evidence SET STORAGE EXTERNAL;
