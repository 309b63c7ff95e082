local writes = {
  document = function()
    write(take_document())
  end,
  delete = delete_document,
  counter = function()
    add(take(), take(), take())
  end,
  job = enqueue,
  entry = function()
    append(take_entry())
  end,
}

function operations.commit()
  for _ = 1, number() do
    writes[take()]()
  end
end
