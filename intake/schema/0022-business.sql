-- A business is what the routes call it ([route …] business): 児童手当, not only a code.
ALTER TABLE account_right DROP CONSTRAINT account_right_business_check,
    ADD CONSTRAINT account_right_business_check CHECK (length(business) BETWEEN 1 AND 40);
ALTER TABLE message_template DROP CONSTRAINT message_template_business_check,
    ADD CONSTRAINT message_template_business_check CHECK (length(business) BETWEEN 1 AND 40);
