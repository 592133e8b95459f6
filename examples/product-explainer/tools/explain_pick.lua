-- Of the documents that were found, the one that has most of the question's words, and of it the sentences or rows that have most
-- of them. A question of which less than 0.6 stands in any document is answered by none.
local KNOWN = 0.6

local stop = {}
local function stops(words) for _, w in ipairs(words) do stop[w] = true end end
stops{"pay", "pays", "paid", "paga", "the", "and", "for", "with", "what", "which", "who", "how", "much", "many", "does", "did", "can", "could", "would", "you", "your",
  "have", "has", "had", "are", "was", "were", "there", "this", "that", "about", "tell", "explain", "any", "some", "get", "offer", "from",
  "will", "know", "want", "like", "please", "need", "when", "where", "our", "its", "it", "if", "is", "do", "my", "me", "in", "on", "of", "to",
  "an", "or", "at", "be", "we", "so", "us", "overview", "something", "more", "hi", "hello", "also", "then", "whats", "long", "take", "takes",
  "say", "tem", "que", "qual", "quais", "quanto", "quantos", "como", "para", "com", "uma", "um", "dos", "das", "do", "da", "de", "os", "as",
  "no", "na", "nos", "nas", "eu", "por", "sobre", "são", "é", "há", "posso", "pode", "você", "vocês", "seu", "sua", "minha", "meu", "fale",
  "explica", "existe", "mais", "ele", "ela", "esse", "essa", "isso", "qué", "cuál", "cuáles", "cuánto", "cuánta", "cómo", "el", "la", "los",
  "las", "del", "una", "un", "con", "en", "es", "son", "hay", "tiene", "puedo", "puede", "mi", "su", "por", "si", "al", "y", "e", "o", "lo",
  "quiero", "saber", "gostaria", "gustaría", "más", "and"}

-- What a question calls otherwise than documents do: one of these is as good.
local same = {
  cost = {"cost", "fee", "price", "euro"}, costs = {"cost", "fee", "price", "euro"}, price = {"fee", "price", "euro"}, expensive = {"fee"}, charge = {"fee"},
  custa = {"comiss", "anuid", "custa", "euro"}, custam = {"comiss", "anuid", "custa"}, ["preço"] = {"comiss", "anuid", "custa"},
  custo = {"comiss", "custa"}, cuesta = {"comisi", "cuota", "cuest", "euro"}, precio = {"comisi", "cuota", "cuest"},
  costo = {"comisi", "cuest"}, abroad = {"foreign", "abroad"}, overseas = {"foreign"}, estrangeiro = {"estran"}, exterior = {"estran", "extran"},
  extranjero = {"extran"}, eligible = {"eligib", "apply", "need"}, qualify = {"eligib", "apply"}, withdraw = {"taken out", "cash", "retira"},
  rate = {"interest"}, lounge = {"lounge"}, lounges = {"lounge"},
}

local function is_letter(b) return b and (b >= 128 or (b >= 48 and b <= 57) or (b >= 97 and b <= 122)) end

local function words(text)
  local out, from = {}, nil
  local s = string.lower(text)
  for i = 1, #s + 1 do
    if is_letter(string.byte(s, i)) and i <= #s then
      from = from or i
    elseif from then
      table.insert(out, string.sub(s, from, i - 1))
      from = nil
    end
  end
  return out
end

local function stem(w)
  if #w > 5 then return string.sub(w, 1, 5) end
  if #w > 3 and string.sub(w, -1) == "s" then return string.sub(w, 1, -2) end
  return w
end

-- The words as they can be looked for: " reef card annual fee "
local function folded(text) return " " .. table.concat(words(text), " ") .. " " end

local function has(hay, word)
  for _, alike in ipairs(same[word] or {stem(word)}) do
    if find(hay, " " .. alike) then return true end
  end
  return false
end

local asked = {}
for _, w in ipairs(words(input.question)) do
  if #w > 1 and not stop[w] then table.insert(asked, w) end
end

local function share(hay)
  local n = 0
  for _, w in ipairs(asked) do
    if has(hay, w) then n = n + 1 end
  end
  return #asked > 0 and n / #asked or 0
end

local function trim(s)
  local a, b = 1, #s
  while a <= b and matches(string.sub(s, a, a), "[\\s]") do a = a + 1 end
  while b >= a and matches(string.sub(s, b, b), "[\\s]") do b = b - 1 end
  return string.sub(s, a, b)
end

local function split(s, by)
  local out, from = {}, 1
  while true do
    local at = find(string.sub(s, from), by)
    if not at then break end
    table.insert(out, string.sub(s, from, from + at - 2))
    from = from + at - 1 + #by
  end
  table.insert(out, string.sub(s, from))
  return out
end

-- A table's row as words: "Cash, a day: Harbour Account 600 euros, Beacon Account 1,500 euros".
local function row_text(cells, head)
  if #cells == 2 or not head then return cells[1] .. ": " .. table.concat(cells, ", ", 2) end
  local parts = {}
  for i = 2, #cells do table.insert(parts, (head[i] or "") .. " " .. cells[i]) end
  return cells[1] .. ": " .. table.concat(parts, ", ")
end

-- Sentences, list items and rows of a passage.
local function units(passage)
  local out, run, head = {}, "", nil
  local function sentences()
    for _, s in ipairs(split(run, ". ")) do
      s = trim(s)
      if #s > 0 then table.insert(out, matches(s, "[.:;!?]$") and s or s .. ".") end
    end
    run = ""
  end
  for _, line in ipairs(split(passage, "\n")) do
    line = trim(line)
    if matches(line, "^\\|[-| :]+\\|$") then
      -- the line under a table's head
    elseif string.sub(line, 1, 1) == "|" then
      sentences()
      local cells = {}
      for _, c in ipairs(split(string.sub(line, 2, -2), "|")) do table.insert(cells, trim(c)) end
      if head then table.insert(out, row_text(cells, head) .. ".") else head = cells end
    elseif matches(line, "^([-*]|\\d+\\.) ") then
      sentences()
      run = string.sub(line, (find(line, " ")) + 1)
    elseif line == "" then
      sentences()
      head = nil
    else
      run = run .. (run == "" and "" or " ") .. line
    end
  end
  sentences()
  return out
end

-- The units that have most of the question's words besides the title's; all when none has any.
local function answer(result)
  local title, best, scored = folded(result.title), 0, {}
  local all = units(result.passage)
  for _, u in ipairs(all) do
    local n, hay = 0, folded(u)
    for _, w in ipairs(asked) do
      if not find(title, " " .. stem(w)) and has(hay, w) then n = n + 1 end
    end
    table.insert(scored, n)
    if n > best then best = n end
  end
  local out = {}
  for i, u in ipairs(all) do
    if best == 0 or scored[i] == best then table.insert(out, u) end
  end
  return table.concat(out, " ")
end

-- "And the Reef Card?": nothing is asked beyond the title, so the overview of the same product answers.
local function names_no_more(r)
  local title = folded(r.title)
  for _, w in ipairs(asked) do
    if not find(title, " " .. stem(w)) then return false end
  end
  return true
end
local function is_overview(r) return string.sub(r.id, -4) == "-001" end

-- "And what does it cost?": a document of the product that was spoken of goes before others that say as much.
local function is_spoken_of(r) return input.product and find(folded(r.title), folded(input.product)) end

local function gives_orders(text)
  return matches(text, "(?i)\\b(ignore|disregard|forget) (all |any |the |your |these |those )*(previous|prior|above|earlier|instructions|rules)")
    or matches(text, "(?i)\\b(system prompt|you are now|as an ai\\b)")
    or matches(text, "(?i)\\b(ignore|ignora|esqueça|olvida) (todas |todos )?(as|os|las|los|tus|suas) (instru|regra|regla)")
    or matches(text, "(?i)\\bask (them|the customer|him|her) for (their|the|his|her) (pin|password|code|card number)")
end

local picked, top, also = nil, 0, {}
for _, r in ipairs(input.found.results) do
  local s = share(folded(r.title .. " " .. r.passage))
  if s >= KNOWN and is_spoken_of(r) then s = s + 1 end
  if s > top or (s == top and picked and is_overview(r) and names_no_more(r) and not is_overview(picked)) then
    picked, top = r, s
  end
end
if not picked or top < KNOWN then return {known = false, tainted = false} end
if gives_orders(picked.title .. " " .. picked.passage) then return {known = false, tainted = true, id = picked.id} end
for _, r in ipairs(input.found.results) do
  if r.id ~= picked.id and #also < 2 and share(folded(r.title .. " " .. r.passage)) >= KNOWN and not gives_orders(r.passage) then
    table.insert(also, {id = r.id, title = r.title, passage = r.passage})
  end
end
return {known = true, tainted = false, id = picked.id, title = picked.title, text = answer(picked), source = picked.source, also = list(also)}
