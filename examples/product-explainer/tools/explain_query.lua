-- The words to look for: the question's; those that documents use for the same thing; and the product that was spoken of, where
-- the question names none.
local q = string.lower(input.question)
local query = input.question
local says = {
  {"\\b(cost|costs|price|prices|expensive|charge|charges)\\b", " fee fees annual monthly"},
  {"\\b(custa|custam|preço|preco|custo)\\b", " comissão anuidade mês"},
  {"\\b(cuesta|cuestan|precio|costo)\\b", " comisión cuota mes"},
  {"\\b(abroad|overseas|foreign)\\b", " foreign currency"},
  {"\\b(estrangeiro|exterior)\\b", " moeda estrangeira"},
  {"\\b(extranjero|exterior)\\b", " moneda extranjera"},
  {"\\b(who can|can i get|eligible|qualify)\\b", " eligibility apply income"},
}
for _, s in ipairs(says) do
  if matches(q, s[1]) then query = query .. s[2] end
end
local named = matches(q, "\\b(tide|reef|summit|harbour|beacon|anchor|mooring|compass|keel|lighthouse|sail|shell)\\b")
if input.product and not named then query = query .. " " .. input.product end
return {query = query}
