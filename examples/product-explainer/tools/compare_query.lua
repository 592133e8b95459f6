-- Two questions out of one: the same thing about each of the two products that it names, or its overview.
local names = {
  {"tide", "Tide Card"}, {"reef", "Reef Card"}, {"summit", "Summit Card"}, {"harbour", "Harbour Account"},
  {"beacon", "Beacon Account"}, {"anchor", "Anchor Savings"}, {"mooring", "Mooring Deposit"}, {"compass", "Compass Loan"},
  {"keel", "Keel Mortgage"}, {"lighthouse", "Lighthouse Fund"}, {"sail", "Sail Insurance"}, {"shell", "Shell Insurance"},
}
local text = string.lower(input.question .. " " .. (input.other or ""))
local found = {}
for _, n in ipairs(names) do
  local at = find(text, n[1])
  if at then table.insert(found, {at = at, name = n[2]}) end
end
table.sort(found, function(x, y) return x.at < y.at end)
if #found < 2 then error("a comparison needs two products") end

-- what is compared, as far as the question says it
local about = ""
for _, topic in ipairs{"travel insurance", "foreign currency", "cash back", "annual fee", "credit limit", "interest", "eligibility",
  "monthly fee", "seguro de viagem", "moeda estrangeira", "seguro de viaje", "moneda extranjera", "juros", "intereses", "fees", "limits"} do
  if find(text, topic) then about = topic break end
end
if about == "" then about = "overview" end
return {a = found[1].name .. " " .. about, b = found[2].name .. " " .. about}
